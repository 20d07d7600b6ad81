"""Messages between users of a real hub: who hears what, how often, and in which order (FAULTS 28, 29, 38)."""

from __future__ import annotations

import asyncio
import itertools
import time
import unicodedata

import aiohttp

from tests.hub.hub_process import PATIENCE, HubProcess
from tests.hub.messages.people import Person, code_of, people
from zego_widget import protocol as p
from zego_widget import wire
from zego_widget.errors import ErrorCode
from zego_widget.hub.token_bucket import LINK_BURST, LINK_RATE
from zego_widget.model import RoomConfig, User

NAMES = ["alice", "bob", "carol", "dave", "erin", "frank"]


def texts(person: Person) -> list[tuple[str, str]]:
    """Who said what in broadcast messages, as this person heard it."""
    return [
        (message.from_user.user_id, message.message)
        for event in person.all(p.BroadcastMessagesReceived)
        for message in event.messages
    ]


async def test_everyone_else_hears_each_broadcast_exactly_once_and_all_in_one_order(shared_hub: HubProcess) -> None:
    async with people(shared_hub, *NAMES) as crowd, people(shared_hub, "xenia", room_id="other") as (xenia,):
        speakers = crowd[:5]
        ids = await asyncio.gather(
            *(person.broadcast(f"{person.user.user_id} {number}") for number in range(2) for person in speakers)
        )
        assert len(set(ids)) == 10
        for person in [*crowd, xenia]:
            await person.has_heard_all()
        said = texts(crowd[5])
        assert sorted(said) == sorted((name, f"{name} {number}") for name in NAMES[:5] for number in range(2))
        for name in NAMES[:5]:
            assert [text for who, text in said if who == name] == [f"{name} 0", f"{name} 1"]
        for person in crowd:
            assert texts(person) == [(who, text) for who, text in said if who != person.user.user_id]
            heard_ids = [m.message_id for e in person.all(p.BroadcastMessagesReceived) for m in e.messages]
            assert heard_ids == sorted(heard_ids) and set(heard_ids) <= set(ids)
            assert all(len(e.messages) <= p.MESSAGE_BATCH for e in person.all(p.BroadcastMessagesReceived))
        assert texts(xenia) == []


async def test_the_third_broadcast_of_a_user_in_a_second_is_refused_and_heard_by_nobody(
    shared_hub: HubProcess,
) -> None:
    async with people(shared_hub, "alice", "bob") as (alice, bob):
        results = await asyncio.gather(*(alice.broadcast(str(number)) for number in range(3)), return_exceptions=True)
        assert [getattr(each, "code", 0) for each in results] == [0, 0, ErrorCode.IM_BROADCAST_MESSAGE_QPS_OVERLOAD]
        assert await bob.broadcast("still welcome")
        await bob.has_heard_all()
        assert texts(bob) == [("alice", "0"), ("alice", "1")]


async def test_barrages_and_commands_reach_those_they_are_for(shared_hub: HubProcess) -> None:
    async with people(shared_hub, "alice", "bob", "carol") as (alice, bob, carol):
        message_id = await alice.barrage("wow")
        await alice.command("to bob", "bob")
        await alice.command("to all")
        await alice.command("to nobody here", "nobody")
        for person in (alice, bob, carol):
            await person.has_heard_all()
        for person in (bob, carol):
            ((message,),) = [event.messages for event in person.all(p.BarrageMessagesReceived)]
            assert (message.message, message.message_id, message.from_user) == ("wow", message_id, User("alice"))
        commands = [[event.command for event in each.all(p.CustomCommandReceived)] for each in (alice, bob, carol)]
        assert commands == [[], ["to bob", "to all"], ["to all"]]
        assert bob.all(p.CustomCommandReceived)[0].from_user == User("alice")


async def test_to_a_room_one_is_not_in_is_refused(shared_hub: HubProcess) -> None:
    async with people(shared_hub, "alice") as (alice,):
        for message in (
            p.SendBroadcastMessage(0, "other", "hello"),
            p.SendBarrageMessage(0, "other", "hello"),
            p.SendCustomCommand(0, "other", "hello", []),
        ):
            assert await code_of(alice.link.request(message, p.Message)) == ErrorCode.IM_INCONSISTENT_ROOM_ID
        assert await code_of(alice.does(p.SetRoomExtraInfo(0, "other", "k", "v"))) == ErrorCode.ROOM_ROOMID_INCORRECT
        await alice.does(p.LogoutRoom(0, "demo"))
        assert await code_of(alice.broadcast("hello")) == ErrorCode.COMMON_NOT_LOGIN_ROOM
        assert await code_of(alice.does(p.SetStreamExtraInfo(0, "x"))) == ErrorCode.COMMON_NOT_LOGIN_ROOM


async def test_extra_info_of_a_room_is_told_to_the_others_and_found_by_newcomers(shared_hub: HubProcess) -> None:
    async with people(shared_hub, "alice", "bob") as (alice, bob):
        await alice.does(p.SetRoomExtraInfo(0, "demo", "topic", "tea"))
        (update,) = await bob.hears(p.RoomExtraInfoUpdate)
        (info,) = update.room_extra_infos
        assert (info.key, info.value, info.update_user) == ("topic", "tea", User("alice"))
        assert await code_of(bob.does(p.SetRoomExtraInfo(0, "demo", "mood", "good"))) == (
            ErrorCode.ROOM_ROOM_EXTRA_INFO_EXCEED_KEYS
        )
        async with people(shared_hub, "carol") as (carol,):
            await carol.has_heard_all()
            assert carol.heard[:2] == [update, p.RoomOnlineUserCountUpdate("demo", 3)]
        await alice.has_heard_all()
        assert alice.all(p.RoomExtraInfoUpdate) == []


async def test_text_is_data_and_logs_are_escaped(hub_process: HubProcess) -> None:
    nasty = "\x00\x1b[31mred\u202eevil\u2066 <img src=x onerror=alert(1)> \u2028 👩‍👩‍👧\r\nINFO forged"
    async with people(hub_process, "alice", "bob") as (alice, bob):
        await alice.broadcast(nasty)
        await alice.barrage(nasty)
        await alice.command(nasty, "bob")
        await alice.does(p.SetRoomExtraInfo(0, "demo", nasty, nasty))
        await bob.has_heard_all()
        assert texts(bob) == [("alice", nasty)]
        assert bob.all(p.BarrageMessagesReceived)[0].messages[0].message == nasty
        assert bob.all(p.CustomCommandReceived)[0].command == nasty
        assert bob.all(p.RoomExtraInfoUpdate)[0].room_extra_infos[0].value == nasty
        assert await code_of(alice.command("hello", nasty * 3)) == ErrorCode.IM_USER_ID_TOO_LONG
    log = hub_process.log
    assert "extra info" in log
    assert not {c for c in log if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"}}
    assert not any(line.startswith("INFO forged") for line in log.splitlines())


async def test_a_lone_surrogate_is_refused_and_the_link_lives_on(shared_hub: HubProcess) -> None:
    async with people(shared_hub, "bob") as (bob,), shared_hub.greeted_link() as link:
        key = shared_hub.key("alice", "demo")
        await link.send(p.LoginRoom(1, "demo", User("alice"), RoomConfig(), False, key))
        while not isinstance(await link.receive(), p.LoggedIn):
            pass
        for text in ("\\ud800", "\\udc00 x", "\\ud83d\\ud83d", "half \\ud83d"):
            await link.socket.send_str(
                f'{{"type":"send_broadcast_message","request_id":7,"room_id":"demo","message":"{text}"}}'
            )
            while not isinstance(refused := await link.receive(), p.Refused):
                pass
            assert refused.code == ErrorCode.PROTOCOL_MALFORMED_MESSAGE
        await link.is_alive()
        await bob.has_heard_all()
        assert texts(bob) == []


async def test_who_floods_is_slowed_down_while_the_messages_of_others_arrive(shared_hub: HubProcess) -> None:
    """FAULTS 28: one writes as fast as it can, and is answered at the rate of a link, and closed in the end."""
    level = await shared_hub.level()
    async with people(shared_hub, "bob", "carol") as (bob, carol), shared_hub.greeted_link() as link:
        key = shared_hub.key("mallory", "demo")
        await link.send(p.LoginRoom(0, "demo", User("mallory"), RoomConfig(), False, key))
        answers = 0

        async def write() -> None:
            for number in itertools.count(1):
                await link.send(p.SendCustomCommand(number, "demo", f"flood {number}", ["carol"]))

        async def read() -> int:
            """Count the answers; returns the code that the hub closes with."""
            nonlocal answers
            # Not `async for`: what it leaves as `close_code` is that of the client's own attempt to answer.
            while (frame := await link.socket.receive()).type is aiohttp.WSMsgType.TEXT:
                answers += isinstance(wire.decode_hub(frame.data), p.Done | p.Refused)
            assert frame.type is aiohttp.WSMsgType.CLOSE, frame
            return int(frame.data)

        started_at = time.monotonic()
        flood, reading = asyncio.create_task(write()), asyncio.create_task(read())
        try:
            await carol.hears(p.CustomCommandReceived, times=50)
            for number in range(50):
                await bob.command(str(number), "carol")
            said = await carol.hears(p.CustomCommandReceived, lambda event: event.from_user == bob.user, times=50)
            assert [event.command for event in said] == [str(number) for number in range(50)]
            assert await asyncio.wait_for(asyncio.shield(reading), PATIENCE) == 1008
            # What the hub takes in that time; a slow machine only makes it take less.
            assert LINK_BURST < answers <= LINK_BURST + LINK_RATE * (time.monotonic() - started_at) + 1
        finally:
            flood.cancel()
            reading.cancel()
            await asyncio.gather(flood, reading, return_exceptions=True)
        await bob.command("after the flood", "carol")
    await shared_hub.is_back_at(level)
