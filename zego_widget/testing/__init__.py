"""What tests of programs on top of this package use: a hub inside the test's process, and people to call.

    async with hub() as lab:
        bob = await lab.participant("bob", publishes=True)
        engine = lab.engine()
        await engine.login_room("demo", User("alice"))

pytest finds the fixtures of `zego_widget.testing.plugin` by itself, which is why the names here are imported when
first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .local_hub import LocalHub, hub
    from .participant import Participant, Recorder

__all__ = ["LocalHub", "Participant", "Recorder", "hub"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "participant" if name in {"Participant", "Recorder"} else "local_hub"
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value
