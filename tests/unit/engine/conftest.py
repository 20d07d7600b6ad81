"""An engine whose hub is a script and whose media are a record."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.unit.engine.fakes import FakePage, FakePeer, FakeView, ScriptedEngine, Subject
from tests.unit.kernel.scripted import ScriptedHub
from zego_widget import io_thread


@pytest.fixture
def hub() -> ScriptedHub:
    return ScriptedHub()


@pytest.fixture
async def new_subject(hub: ScriptedHub) -> AsyncIterator[Callable[..., Subject]]:
    subjects: list[Subject] = []
    before = set(threading.enumerate())

    def new(*arguments: Any, **fields: Any) -> Subject:
        subjects.append(Subject(ScriptedEngine(hub, *arguments, **fields)))
        return subjects[-1]

    yield new
    for subject in subjects:
        await subject.engine.aclose()
    assert all(link.closed for link in hub.links)
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith("zego-widget"):
            thread.join(10)
            assert not thread.is_alive()
    assert not io_thread.io.alive


@pytest.fixture
def subject(new_subject: Callable[..., Subject]) -> Subject:
    return new_subject()


@pytest.fixture
def peer(subject: Subject) -> FakePeer:
    return subject.peer


@pytest.fixture
def view() -> FakeView:
    return FakeView()


@pytest.fixture
def page(subject: Subject) -> FakePage:
    return FakePage(subject)
