"""Engines that log in with tokens, on a hub process with an app of its owner's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

import zego_widget as zego
from tests.hub.hub_process import HubProcess
from zego_widget import ErrorCode, ExpressEngine, User
from zego_widget.credentials import new_app
from zego_widget.tokens import privilege_payload, sign

APP = new_app()
ALICE = User("alice")

EngineMaker = Callable[[], ExpressEngine]


def token(lifetime: int = 3600, **privileges: Any) -> str:
    payload = privilege_payload("demo", **privileges) if privileges else ""
    return sign(APP.app_id, "alice", APP.server_secret, lifetime, payload)


def showing(token: str) -> zego.RoomConfig:
    return zego.RoomConfig(token=token)


@pytest.fixture
async def engine_of(start_hub: Callable[..., HubProcess]) -> AsyncIterator[EngineMaker]:
    """Engines that have no app sign; all are closed."""
    hub = start_hub(apps=[APP])
    profile = zego.EngineProfile(APP.app_id, hub_url=hub.url, hub_secret=hub.secret)
    engines: list[ExpressEngine] = []

    def make() -> ExpressEngine:
        engines.append(ExpressEngine(profile))
        return engines[-1]

    yield make
    for engine in engines:
        await engine.aclose()


async def refusal(operation: Any) -> ErrorCode:
    with pytest.raises(zego.ZegoError) as refused:
        await operation
    return ErrorCode(refused.value.code)


async def test_an_engine_comes_back_with_its_token_and_nobody_else_comes_in_with_it(engine_of: EngineMaker) -> None:
    alice, thief = engine_of(), engine_of()
    config = showing(token())
    for _ in range(2):
        await alice.login_room("demo", ALICE, config)
        assert await refusal(thief.login_room("demo", ALICE, config)) is ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED
        await alice.logout_room()
    assert await refusal(thief.login_room("demo", ALICE, config)) is ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED


async def test_an_engine_without_a_token_is_told_so(engine_of: EngineMaker) -> None:
    engine = engine_of()
    assert await refusal(engine.login_room("demo", ALICE)) is ErrorCode.ROOM_NO_TOKEN
    assert await refusal(engine.login_room("demo", User("bob"), showing(token()))) is ErrorCode.ROOM_TOKEN_USERID_ERROR
    other_room = engine.login_room("other", ALICE, showing(token(publish=True)))
    assert await refusal(other_room) is ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED


async def test_the_right_to_publish_comes_and_goes_with_tokens(engine_of: EngineMaker) -> None:
    engine = engine_of()
    await engine.login_room("demo", ALICE, showing(token(publish=False)))
    publish_auth = ErrorCode.PUBLISHER_ERROR_DISPATCH_AUTH_ERROR
    assert await refusal(engine.start_publishing_stream("engine-main")) is publish_auth
    await engine.renew_token(token(publish=True, stream_ids=["engine-main"]), "demo")
    assert await refusal(engine.start_publishing_stream("engine-other")) is publish_auth
    await engine.start_publishing_stream("engine-main")
    no_publish = ErrorCode.ROOM_RENEW_TOKEN_NO_PUBLISH_AUTH_ERROR
    assert await refusal(engine.renew_token(token(publish=False), "demo")) is no_publish


async def test_an_engine_hears_that_its_token_ends_and_comes_back_with_the_next(engine_of: EngineMaker) -> None:
    engine, thief = engine_of(), engine_of()
    events = engine.events()
    await engine.login_room("demo", ALICE, showing(token(lifetime=20)))
    async for event in events:
        if event.name == "room_token_will_expire":
            break
    assert event.room_id == "demo"
    assert 0 <= event.remain_time_in_second <= 20
    renewed = token()
    await engine.renew_token(renewed, "demo")
    assert await refusal(engine.renew_token(token(), "other")) is ErrorCode.ROOM_ROOMID_INCORRECT
    await engine.logout_room()
    refused = await refusal(thief.login_room("demo", ALICE, showing(renewed)))
    assert refused is ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED
    await engine.login_room("demo", ALICE, showing(renewed))
