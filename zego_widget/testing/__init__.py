"""What tests of programs on top of this package use: a hub inside the test's process, and people to call.

    async with hub() as lab:
        bob = await lab.participant("bob", publishes=True)
        engine = lab.engine()
        await engine.login_room("demo", User("alice"))

pytest finds the fixtures of `zego_widget.testing.plugin` by itself.
"""

from .hub import LocalHub, hub
from .participant import Participant

__all__ = ["LocalHub", "Participant", "hub"]
