"""Tokens in the life of a session: logging in, publishing, the warning, renewal, the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.unit.hub.fakes import FakeForwarder, FakeLink
from zego_widget import protocol as p
from zego_widget.credentials import new_app, signed
from zego_widget.errors import ErrorCode
from zego_widget.hub.apps import Apps
from zego_widget.hub.hub import Hub
from zego_widget.hub.settings import HubSettings
from zego_widget.model import PublishChannel, RoomConfig, User
from zego_widget.tokens import privilege_payload, sign

APP, OTHER_APP = new_app(), new_app()


class Clock:
    """The hub's time of day, in the test's hand."""

    now = 1700000000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def hub(clock: Clock) -> AsyncIterator[Hub]:
    forwarder: Any = FakeForwarder()
    # Its own ticks must not come between: the tests say when it is time to look.
    settings = HubSettings(heartbeat_timeout=1e9)
    hub = Hub(forwarder, settings, version="1", apps=Apps([APP, OTHER_APP]), time_of_day=clock)
    yield hub
    await hub.aclose("The test is over.")


def token(clock: Clock, user_id: str = "alice", lifetime: int = 60, **privileges: Any) -> str:
    payload = privilege_payload("demo", **privileges) if privileges else ""
    return sign(APP.app_id, user_id, APP.server_secret, lifetime, payload, now=clock())


def enter(link: FakeLink, token: str, user_id: str = "alice") -> Any:
    """Log in with a token; the answer."""
    if not link.received:
        link.hello()
    return link.ask(p.LoginRoom, "demo", User(user_id), RoomConfig(True), False, p.Credential(APP.app_id, token))


def code(answer: Any) -> ErrorCode:
    assert isinstance(answer, p.Refused), answer
    return ErrorCode(answer.code)


PUBLISH_AUTH = ErrorCode.PUBLISHER_ERROR_DISPATCH_AUTH_ERROR


class TestLogin:
    async def test_without_a_credential_is_refused_and_enters_no_room(self, hub: Hub) -> None:
        link = FakeLink(hub).hello()
        assert code(link.ask(p.LoginRoom, "demo", User("alice"))) is ErrorCode.ROOM_NO_TOKEN
        assert hub.rooms.room_ids == ()
        link.login("alice")

    async def test_tells_of_bad_ids_before_it_looks_at_the_token(self, hub: Hub) -> None:
        link = FakeLink(hub).hello()
        assert code(link.ask(p.LoginRoom, "demo", User("two words"))) is ErrorCode.ROOM_USER_ID_INVALID_CHARACTER
        assert code(link.ask(p.LoginRoom, "", User("alice"))) is ErrorCode.ROOM_ROOMID_NULL

    async def test_with_an_expired_token_is_refused_with_1002078(self, hub: Hub, clock: Clock) -> None:
        old = token(clock, lifetime=60)
        clock.now += 61
        assert code(enter(FakeLink(hub), old)) is ErrorCode.ROOM_TOKEN_EXPIRE_ERROR

    async def test_of_users_of_two_apps_leads_to_two_rooms_of_one_name(self, hub: Hub) -> None:
        alice, bob = FakeLink(hub).login("alice"), FakeLink(hub).hello()
        other = FakeLink(hub).hello()
        for link, app, user_id in ((bob, APP, "bob"), (other, OTHER_APP, "bob")):
            credential = signed(app.app_id, app.app_sign, link.session.session_id, "demo", user_id)
            answer = link.ask(p.LoginRoom, "demo", User(user_id), RoomConfig(True), False, credential)
            assert answer.users == ([User("alice")] if app is APP else [])
        assert [update.users for update in alice.all(p.RoomUserUpdate)] == [[User("bob")]]
        assert bob.all(p.RoomStateChanged) == []

    async def test_of_the_kernels_own_user_is_for_one_room(self, hub: Hub) -> None:
        alice = FakeLink(hub).hello()
        answer = alice.ask(p.LoginRoom, "other", User("alice"), credential=APP.credential("", "demo", "alice"))
        assert code(answer) is ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED


class TestPublishing:
    async def test_needs_the_right_to(self, hub: Hub, clock: Clock) -> None:
        alice = FakeLink(hub)
        enter(alice, token(clock, publish=False))
        assert code(alice.ask(p.StartPublishing, "main")) is PUBLISH_AUTH
        assert hub.rooms.published(alice.session.session_id) == {}

    async def test_needs_a_stream_of_the_list(self, hub: Hub, clock: Clock) -> None:
        alice = FakeLink(hub)
        enter(alice, token(clock, publish=True, stream_ids=["main"]))
        assert code(alice.ask(p.StartPublishing, "screen", PublishChannel.AUX)) is PUBLISH_AUTH
        assert isinstance(alice.ask(p.StartPublishing, "main"), p.Done)


class TestExpiry:
    async def test_is_told_30_s_before_and_once(self, hub: Hub, clock: Clock) -> None:
        alice = FakeLink(hub)
        enter(alice, token(clock, lifetime=100))
        for _ in range(110):
            hub.watch_tokens(clock.now)
            clock.now += 1
        assert alice.all(p.RoomTokenWillExpire) == [p.RoomTokenWillExpire("demo", 30)]

    async def test_is_not_told_of_a_login_that_is_over(self, hub: Hub, clock: Clock) -> None:
        alice = FakeLink(hub)
        enter(alice, token(clock, lifetime=20))
        alice.ask(p.LogoutRoom, "demo")
        hub.watch_tokens(clock.now)
        assert alice.all(p.RoomTokenWillExpire) == []

    async def test_leaves_the_user_and_what_is_published_but_no_new_stream(self, hub: Hub, clock: Clock) -> None:
        alice, bob = FakeLink(hub), FakeLink(hub).login("bob")
        enter(alice, token(clock, lifetime=60))
        alice.ask(p.StartPublishing, "main")
        alice.offer()
        hub.forwarder.peers[0].connect()  # type: ignore[attr-defined]
        clock.now += 61
        hub.watch_tokens(clock.now)
        assert alice.all(p.RoomStateChanged) == []
        assert alice.closed is None
        assert [stream.stream_id for stream in hub.rooms.streams(bob.session.session_id)] == ["main"]
        assert code(alice.ask(p.StartPublishing, "screen", PublishChannel.AUX)) is PUBLISH_AUTH
        assert isinstance(alice.ask(p.StopPublishing), p.Done)
        assert code(alice.ask(p.StartPublishing, "main")) is PUBLISH_AUTH

    async def test_ends_the_next_login_with_1002078(self, hub: Hub, clock: Clock) -> None:
        alice, old = FakeLink(hub), token(clock, lifetime=60)
        enter(alice, old)
        clock.now += 61
        alice.ask(p.LogoutRoom, "demo")
        assert code(enter(alice, old)) is ErrorCode.ROOM_TOKEN_EXPIRE_ERROR


class TestRenewal:
    async def test_gives_back_the_right_to_publish_and_another_warning(self, hub: Hub, clock: Clock) -> None:
        alice = FakeLink(hub)
        enter(alice, token(clock, lifetime=60))
        clock.now += 61
        assert isinstance(alice.ask(p.RenewToken, "demo", token(clock, lifetime=60)), p.Done)
        assert isinstance(alice.ask(p.StartPublishing, "main"), p.Done)
        clock.now += 40
        hub.watch_tokens(clock.now)
        assert alice.all(p.RoomTokenWillExpire) == [p.RoomTokenWillExpire("demo", 20)]

    async def test_counts_for_the_next_stream(self, hub: Hub, clock: Clock) -> None:
        alice = FakeLink(hub)
        enter(alice, token(clock, publish=True))
        assert isinstance(alice.ask(p.RenewToken, "demo", token(clock, publish=False)), p.Done)
        assert code(alice.ask(p.StartPublishing, "main")) is PUBLISH_AUTH
        assert isinstance(alice.ask(p.RenewToken, "demo", token(clock, publish=True)), p.Done)
        assert isinstance(alice.ask(p.StartPublishing, "main"), p.Done)

    async def test_without_the_right_to_publish_is_refused_to_who_publishes(self, hub: Hub, clock: Clock) -> None:
        alice = FakeLink(hub)
        enter(alice, token(clock))
        alice.ask(p.StartPublishing, "main")
        answer = alice.ask(p.RenewToken, "demo", token(clock, publish=False))
        assert code(answer) is ErrorCode.ROOM_RENEW_TOKEN_NO_PUBLISH_AUTH_ERROR
        assert isinstance(alice.ask(p.StartPublishing, "screen", PublishChannel.AUX), p.Done)

    @pytest.mark.parametrize(
        ("make", "expected"),
        [
            (lambda clock: "", ErrorCode.ROOM_NO_TOKEN),
            (lambda clock: "04", ErrorCode.ROOM_TOKEN_FORMAT_ERROR),
            (lambda clock: token(clock, "bob"), ErrorCode.ROOM_TOKEN_USERID_ERROR),
            (lambda clock: token(clock, login=False, publish=True), ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED),
            (
                lambda clock: sign(OTHER_APP.app_id, "alice", OTHER_APP.server_secret, 60, now=clock()),
                ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED,
            ),
        ],
        ids=["nothing", "nonsense", "another user's", "no right to log in", "another app's"],
    )
    async def test_with_a_bad_token_changes_nothing(
        self, hub: Hub, clock: Clock, make: Any, expected: ErrorCode
    ) -> None:
        alice = FakeLink(hub)
        enter(alice, token(clock))
        assert code(alice.ask(p.RenewToken, "demo", make(clock))) is expected
        assert isinstance(alice.ask(p.StartPublishing, "main"), p.Done)

    async def test_is_for_the_room_one_is_in(self, hub: Hub, clock: Clock) -> None:
        alice = FakeLink(hub).hello()
        assert code(alice.ask(p.RenewToken, "demo", token(clock))) is ErrorCode.ROOM_ROOMID_INCORRECT
        enter(alice, token(clock))
        assert code(alice.ask(p.RenewToken, "other", token(clock))) is ErrorCode.ROOM_ROOMID_INCORRECT


async def test_no_token_and_no_signature_is_logged(hub: Hub, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    good, changed, next_one = token(clock, lifetime=20), token(clock)[:-8] + "AAAAAAA=", token(clock)
    alice = FakeLink(hub)
    enter(alice, changed)
    enter(alice, good)
    hub.watch_tokens(clock.now)
    alice.ask(p.RenewToken, "demo", next_one)
    bob = FakeLink(hub).hello()
    credential = signed(APP.app_id, APP.app_sign, bob.session.session_id, "demo", "bob")
    bob.ask(p.LoginRoom, "demo", User("bob"), credential=credential)
    assert "renewed the token" in caplog.text
    for secret in (good, changed, next_one, credential.signature, APP.app_sign, APP.server_secret):
        assert secret[:24] not in caplog.text
