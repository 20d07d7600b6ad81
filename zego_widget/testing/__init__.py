"""What tests of programs on top of this package use: a hub inside the test's process, people to call, and pages.

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
    from .page import Page
    from .participant import Participant, Recorder

_HOMES = {
    "LocalHub": "local_hub",
    "Page": "page",
    "Participant": "participant",
    "Recorder": "participant",
    "hub": "local_hub",
}

__all__ = ["LocalHub", "Page", "Participant", "Recorder", "hub"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value
