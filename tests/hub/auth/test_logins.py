"""Who a hub process lets in: tokens and signatures over its real links (the tokens of FAULTS 35)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.hub.hub_process import HubProcess, Link
from zego_widget import protocol as p
from zego_widget.credentials import App, new_app, signed
from zego_widget.errors import ErrorCode
from zego_widget.hub import discovery
from zego_widget.model import RoomConfig, User
from zego_widget.tokens import privilege_payload, sign

APP = new_app()
StartHub = Callable[..., HubProcess]

AUTHENTICATION_FAILED = ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED


@pytest.fixture(scope="module")
def hub(shared_hub: HubProcess) -> HubProcess:
    return shared_hub


def own_app(hub: HubProcess) -> App:
    assert hub.address.app is not None
    return hub.address.app


async def ask(link: Link, request: p.ClientMessage) -> p.HubMessage:
    """The answer to a request; events before it are skipped."""
    await link.send(request)
    while True:
        message = await link.receive()
        if getattr(message, "request_id", None) == getattr(request, "request_id", ...):
            return message


async def enter(link: Link, credential: p.Credential, *, room_id: str = "demo", user_id: str = "alice") -> int:
    """Log in; the error code, 0 where it worked."""
    answer = await ask(link, p.LoginRoom(1, room_id, User(user_id), RoomConfig(), False, credential))
    assert isinstance(answer, p.LoggedIn | p.Refused)
    return answer.code if isinstance(answer, p.Refused) else 0


async def leave(link: Link, room_id: str = "demo") -> None:
    assert isinstance(await ask(link, p.LogoutRoom(2, room_id)), p.Done)


class TestAToken:
    async def test_lets_its_user_in(self, hub: HubProcess) -> None:
        async with hub.greeted_link() as link:
            assert await enter(link, hub.key("alice", "demo")) == 0

    async def test_is_asked_for(self, hub: HubProcess) -> None:
        async with hub.greeted_link() as link:
            assert await enter(link, p.Credential()) == ErrorCode.ROOM_NO_TOKEN
            assert await enter(link, p.Credential(own_app(hub).app_id)) == ErrorCode.ROOM_NO_TOKEN
            assert await enter(link, hub.key("alice", "demo")) == 0

    async def test_that_was_used_lets_nobody_else_in(self, hub: HubProcess) -> None:
        async with hub.greeted_link() as alice, hub.greeted_link() as thief:
            token = hub.key("alice", "demo")
            assert await enter(alice, token) == 0
            assert await enter(thief, token) == AUTHENTICATION_FAILED
            await alice.is_alive()  # and was not displaced
            await leave(alice)
            assert await enter(thief, token) == AUTHENTICATION_FAILED
        async with hub.greeted_link() as late:
            assert await enter(late, token) == AUTHENTICATION_FAILED

    async def test_lets_its_own_client_in_again(self, hub: HubProcess) -> None:
        token = hub.key("alice", "demo")
        async with hub.link() as link:
            session_id = (await link.greet()).session_id
            for _ in range(2):
                assert await enter(link, token) == 0
                await leave(link)
        async with hub.greeted_link() as again:
            assert await enter(again, msgspec.structs.replace(token, earlier_session_id=session_id)) == 0

    async def test_of_another_room_or_user_or_app_lets_nobody_in(self, hub: HubProcess) -> None:
        app = own_app(hub)
        async with hub.greeted_link() as link:
            assert await enter(link, hub.key("alice", "other")) == AUTHENTICATION_FAILED
            assert await enter(link, hub.key("bob", "demo")) == ErrorCode.ROOM_TOKEN_USERID_ERROR
            unknown = ErrorCode.ENGINE_APPID_INCORRECT_OR_NOT_ONLINE
            assert await enter(link, APP.credential("", "demo", "alice")) == unknown
            forged = sign(app.app_id, "alice", APP.server_secret, 60)
            assert await enter(link, p.Credential(app.app_id, forged)) == AUTHENTICATION_FAILED

    async def test_that_has_expired_lets_nobody_in(self, hub: HubProcess) -> None:
        app = own_app(hub)
        async with hub.greeted_link() as link:
            old = sign(app.app_id, "alice", app.server_secret, 60, now=time.time() - 61)
            assert await enter(link, p.Credential(app.app_id, old)) == ErrorCode.ROOM_TOKEN_EXPIRE_ERROR

    async def test_of_a_hub_before_this_one_lets_nobody_in(self, start_hub: StartHub) -> None:
        before = start_hub()
        token = before.key("alice", "demo")
        before.close()
        async with start_hub().greeted_link() as link:
            assert await enter(link, token) == ErrorCode.ENGINE_APPID_INCORRECT_OR_NOT_ONLINE

    async def test_that_was_used_before_the_hub_was_killed_lets_nobody_else_in(self, tmp_path: Path) -> None:
        """Apps of the hub's owner, and so their tokens, outlive the hub; its own client comes back all the same."""
        directory = tmp_path / "runtime"
        used, unused = (APP.credential("", "demo", "alice") for _ in range(2))
        before = HubProcess(directory, apps=[APP])
        async with before.link() as link:
            session_id = (await link.greet()).session_id
            assert await enter(link, used) == 0
            before.process.kill()
            before.wait()
        (directory / discovery.HUB_FILE).unlink()
        with contextlib.closing(HubProcess(directory, apps=[APP])) as after:
            async with after.greeted_link() as thief:
                assert await enter(thief, used) == AUTHENTICATION_FAILED
                assert await enter(thief, unused) == 0
            async with after.greeted_link() as alice:
                assert await enter(alice, msgspec.structs.replace(used, earlier_session_id=session_id)) == 0

    async def test_that_ends_takes_away_the_right_to_publish_until_it_is_renewed(self, hub: HubProcess) -> None:
        app = own_app(hub)
        payload = privilege_payload("demo", publish=True)
        async with hub.greeted_link() as link:
            short = sign(app.app_id, "alice", app.server_secret, 4, payload)
            assert await enter(link, p.Credential(app.app_id, short)) == 0
            while not isinstance(told := await link.receive(), p.RoomTokenWillExpire):
                pass
            assert (told.room_id, told.remain_time_in_second <= 4) == ("demo", True)
            refused = None
            while refused is None:
                await asyncio.sleep(0.1)  # the end of a token is no event
                answer = await ask(link, p.StartPublishing(3, "tokens-main"))
                await ask(link, p.StopPublishing(4))
                refused = answer if isinstance(answer, p.Refused) else None
            assert refused.code == ErrorCode.PUBLISHER_ERROR_DISPATCH_AUTH_ERROR
            viewer = sign(app.app_id, "alice", app.server_secret, 60, privilege_payload("demo"))
            assert isinstance(await ask(link, p.RenewToken(5, "demo", viewer)), p.Done)
            assert isinstance(await ask(link, p.StartPublishing(6, "tokens-main")), p.Refused)
            speaker = sign(app.app_id, "alice", app.server_secret, 60, payload)
            assert isinstance(await ask(link, p.RenewToken(7, "demo", speaker)), p.Done)
            assert isinstance(await ask(link, p.StartPublishing(8, "tokens-main")), p.Done)


class TestASignature:
    async def test_lets_in_on_the_link_it_was_made_for(self, hub: HubProcess) -> None:
        app = own_app(hub)
        async with hub.link() as alice, hub.link() as thief:
            session_id = (await alice.greet()).session_id
            await thief.greet()
            credential = signed(app.app_id, app.app_sign, session_id, "demo", "alice")
            assert await enter(thief, credential) == ErrorCode.ENGINE_APPSIGN_INCORRECT
            assert await enter(alice, credential, room_id="other") == ErrorCode.ENGINE_APPSIGN_INCORRECT
            assert await enter(alice, credential, user_id="bob") == ErrorCode.ENGINE_APPSIGN_INCORRECT
            assert await enter(alice, credential) == 0

    async def test_made_with_another_app_sign_lets_nobody_in(self, hub: HubProcess) -> None:
        async with hub.link() as link:
            session_id = (await link.greet()).session_id
            credential = signed(own_app(hub).app_id, APP.app_sign, session_id, "demo", "alice")
            assert await enter(link, credential) == ErrorCode.ENGINE_APPSIGN_INCORRECT


async def test_a_hub_with_apps_of_its_owner_serves_those_and_no_other(start_hub: StartHub) -> None:
    other = new_app()
    hub = start_hub(apps=[APP, other])
    assert own_app(hub) == APP
    async with hub.greeted_link() as alice, hub.greeted_link() as bob:
        assert await enter(alice, APP.credential("", "demo", "alice")) == 0
        assert await enter(bob, other.credential("", "demo", "alice")) == 0  # of another app: another user
        assert await enter(alice, APP.credential("", "demo", "alice")) == ErrorCode.ROOM_COUNT_EXCEED
        stranger = new_app().credential("", "demo", "carol")
        async with hub.greeted_link() as carol:
            refused = await enter(carol, stranger, user_id="carol")
            assert refused == ErrorCode.ENGINE_APPID_INCORRECT_OR_NOT_ONLINE


async def test_secrets_tokens_and_signatures_are_in_no_log_status_or_process_list(start_hub: StartHub) -> None:
    hub = start_hub(apps=[APP])
    app_id = APP.app_id
    good, next_one = hub.key("alice", "demo").token, hub.key("alice", "demo").token
    changed = good[:-8] + "AAAAAAA="
    async with hub.link() as link:
        session_id = (await link.greet()).session_id
        signature = signed(app_id, APP.app_sign, session_id, "demo", "bob").signature
        assert await enter(link, p.Credential(app_id, changed)) != 0
        assert await enter(link, p.Credential(app_id, good)) == 0
        assert isinstance(await ask(link, p.RenewToken(3, "demo", next_one)), p.Done)
        assert isinstance(await ask(link, p.RenewToken(4, "demo", changed)), p.Refused)
        await leave(link)
        assert await enter(link, p.Credential(app_id, signature=signature), user_id="bob") == 0
    process = Path(f"/proc/{hub.pid}")
    seen = [hub.log, msgspec.json.encode(hub.status()).decode()]
    if process.exists():
        seen += [(process / name).read_text(errors="replace") for name in ("cmdline", "environ")]
    for secret in (APP.app_sign, APP.server_secret, good, next_one, changed, signature):
        assert not any(secret[:24] in text for text in seen)
    assert "renewed the token" in hub.log
