"""Without any configuration a call takes the road of everyone: it shows a credential, which it signs itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from tests.hub.auth.test_logins import ask
from tests.hub.hub_process import PATIENCE, HubProcess, Link
from tests.unit.engine.fakes import FakeView
from tests.unit.kernel.this_loop import ThisLoop
from zego_widget import EngineProfile, EventHandler, ExpressEngine, credentials, io_thread
from zego_widget import protocol as p
from zego_widget.call import Call
from zego_widget.credentials import App, new_app
from zego_widget.engine.parts import Parts
from zego_widget.hub.discovery import HubAddress
from zego_widget.model import RoomConfig, UpdateType, User

StartHub = Callable[..., HubProcess]
BOTH = new_app()


class EngineOn(ExpressEngine):
    """As in a notebook, where the hub is found by itself; here it is this one."""

    def __init__(self, hub: HubProcess) -> None:
        self.hub = hub
        super().__init__()

    def _new_parts(self, profile: EngineProfile, handler: EventHandler | None) -> Parts:
        return Parts(profile, handler, find_hub=self._found)

    async def _found(self) -> HubAddress:
        return self.hub.address


@contextlib.asynccontextmanager
async def calling(hub: HubProcess, user_id: str) -> AsyncIterator[Call]:
    """A call as a notebook makes it, started."""
    engine = EngineOn(hub)
    engine._parts.pages.attach(FakeView())
    call = Call(engine, "demo", User(user_id), lambda view: None)
    call.start()
    try:
        yield call
    finally:
        await call.aclose()


@pytest.fixture(autouse=True)
def io_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(io_thread, "io", ThisLoop())


async def watch(hub: HubProcess, link: Link) -> None:
    """Be in the room as bob, and hear who comes."""
    app = hub.address.app
    assert app is not None
    session_id = (await link.greet()).session_id
    credential = app.credential(session_id, "demo", "bob")
    login = p.LoginRoom(1, "demo", User("bob"), RoomConfig(is_user_status_notify=True), False, credential)
    assert isinstance(await ask(link, login), p.LoggedIn)


async def newcomer(link: Link) -> User:
    while True:
        message = await link.receive()
        if isinstance(message, p.RoomUserUpdate) and message.update_type is UpdateType.ADD:
            return message.users[0]


@pytest.mark.parametrize(
    "apps",
    [[], [BOTH], [App(BOTH.app_id, app_sign=BOTH.app_sign)], [App(BOTH.app_id, server_secret=BOTH.server_secret)]],
    ids=["the hub's own app", "both", "app sign only", "server secret only"],
)
async def test_a_call_logs_in_to_whatever_app_its_hub_has(start_hub: StartHub, apps: list[App]) -> None:
    hub = start_hub(apps=apps)
    async with hub.link() as link:
        await watch(hub, link)
        async with calling(hub, "alice"):
            assert await newcomer(link) == User("alice")


async def test_a_call_renews_its_token_before_it_ends(start_hub: StartHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "OWN_TOKEN_LIFETIME", 20)  # so the hub says at once that it ends soon
    hub = start_hub()
    async with calling(hub, "alice"), asyncio.timeout(PATIENCE):
        while "renewed the token" not in hub.log:  # noqa: ASYNC110 - another process, which sends no event
            await asyncio.sleep(0.05)
