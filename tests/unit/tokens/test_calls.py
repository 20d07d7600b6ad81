"""A call in a notebook signs for itself, and nobody has to know that it does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from tests.unit.engine.fakes import FakeView, ScriptedEngine
from tests.unit.kernel.scripted import ALICE, APP, ROOM, Address, Screen, ScriptedHub
from tests.unit.kernel.this_loop import ThisLoop
from zego_widget import io_thread
from zego_widget import protocol as p
from zego_widget.call import Call
from zego_widget.credentials import App, signature
from zego_widget.errors import ErrorCode, Refused
from zego_widget.model import CallState
from zego_widget.tokens import Privileges, verify


class HubOf(ScriptedHub):
    """A scripted hub with an app of one's choice."""

    app: App | None = APP

    async def find(self) -> Address:
        await super().find()
        return Address(app=self.app)


@pytest.fixture
def hub() -> HubOf:
    return HubOf()


@pytest.fixture
async def call(hub: HubOf, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Call]:
    monkeypatch.setattr(io_thread, "io", ThisLoop())
    engine = ScriptedEngine(hub)
    engine._parts.pages.attach(FakeView())
    call = Call(engine, ROOM, ALICE, Screen().show)
    yield call
    await call.aclose()


async def login(hub: HubOf, call: Call) -> p.LoginRoom:
    """What the call says to log in."""
    call.start()
    (request,) = await asked(hub, p.LoginRoom)
    assert isinstance(request, p.LoginRoom)
    return request


async def asked(hub: HubOf, kind: type, count: int = 1) -> list[Any]:
    """The requests of a kind, once there are that many."""
    async with asyncio.timeout(10):
        while not hub.links or len(hub.link.asked(kind)) < count:  # noqa: ASYNC110 - one turn of the loop at a time
            await asyncio.sleep(0)
    return hub.link.asked(kind)


async def test_logs_in_with_a_token_for_its_room_that_lets_publish(hub: HubOf, call: Call) -> None:
    credential = (await login(hub, call)).credential
    assert (credential.app_id, credential.signature) == (APP.app_id, "")
    said = verify(credential.token, APP.app_id, APP.server_secret, ALICE.user_id)
    assert said.privileges == Privileges(ROOM, may_login=True, may_publish=True)


async def test_signs_with_the_app_sign_where_there_is_no_server_secret(hub: HubOf, call: Call) -> None:
    hub.app = App(APP.app_id, APP.app_sign)
    credential = (await login(hub, call)).credential
    expected = signature(APP.app_sign, hub.link.session_id, ROOM, ALICE.user_id)
    assert credential == p.Credential(APP.app_id, signature=expected)


async def test_renews_its_token_when_told_so(hub: HubOf, call: Call) -> None:
    first = (await login(hub, call)).credential.token
    hub.link.on_event(p.RoomTokenWillExpire(ROOM, 30))
    await asked(hub, p.StartPublishing)
    hub.link.on_event(p.RoomTokenWillExpire(ROOM, 30))
    renewals = await asked(hub, p.RenewToken, 2)
    assert len({first, *(renewal.token for renewal in renewals)}) == 3
    for renewal in renewals:
        verify(renewal.token, APP.app_id, APP.server_secret, ALICE.user_id)


async def test_goes_on_where_its_token_cannot_be_renewed(
    hub: HubOf, call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    hub.answers[p.RenewToken] = Refused("No.", ErrorCode.ROOM_TOKEN_EXPIRE_ERROR)
    await login(hub, call)
    await asked(hub, p.StartPublishing)
    hub.link.on_event(p.RoomTokenWillExpire(ROOM, 30))
    (renewal,) = await asked(hub, p.RenewToken)
    async with asyncio.timeout(10):
        while "could not be renewed" not in caplog.text:  # noqa: ASYNC110 - one turn of the loop at a time
            await asyncio.sleep(0)
    assert call._state is CallState.CONNECTING
    for secret in (renewal.token, APP.app_sign, APP.server_secret):
        assert secret[:24] not in caplog.text


async def test_leaves_it_to_an_older_hub_whether_it_asks_for_a_credential(hub: HubOf, call: Call) -> None:
    hub.app = None
    assert (await login(hub, call)).credential == p.Credential()


def test_an_older_client_is_understood_and_has_no_credential() -> None:
    text = b'{"type":"login_room","request_id":1,"room_id":"r","user":{"user_id":"u"}}'
    assert msgspec.json.decode(text, type=p.LoginRoom).credential == p.Credential()
