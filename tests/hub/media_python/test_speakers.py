"""Who speaks, as pages and Python hear it from the hub: real sound, which the hub never decodes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.hub.media_python.people import Person
from tests.hub.peers import Participant
from zego_widget import protocol as p
from zego_widget.hub.hub import Hub
from zego_widget.media.sources import Tone

Join = Callable[..., Awaitable[Person]]


def speaker(stream_id: str | None, user_id: str | None) -> Callable[[p.ActiveSpeaker], bool]:
    return lambda message: (message.stream_id, message.user_id) == (stream_id, user_id)


async def test_a_page_is_told_when_somebody_speaks_and_falls_silent(hub: Hub, join: Join) -> None:
    alice = await join("alice")
    carol = Person(hub, "carol", publishes=False)
    async with Participant("page", slots=2, sends=()) as page:
        await carol.client.connect(page, capture="never")
        await page.hears(p.ActiveSpeaker, speaker("alice-main", "alice"))
        levels = await page.hears(p.SoundLevels, lambda message: message.levels.get("alice-main", 0) >= 60)
        assert set(levels.levels) == {"alice-main"}
        alice.peer.channels.set_capture_volume(0)  # still sends, and says itself that it is silent
        await page.hears(p.ActiveSpeaker, speaker(None, None))
        await page.hears(p.SoundLevels, lambda message: message.levels == {})


async def test_who_mutes_is_the_speaker_no_longer_and_another_is(hub: Hub, join: Join) -> None:
    alice = await join("alice")
    carol = Person(hub, "carol", publishes=False)
    async with Participant("page", slots=2, sends=()) as page:
        await carol.client.connect(page, capture="never")
        await page.hears(p.ActiveSpeaker, speaker("alice-main", "alice"))
        bob = await join("bob")
        await alice.diary.has("played_streams_changed", frozenset({"bob-main"}))
        alice.peer.channels.mute_audio(True)
        await page.hears(p.ActiveSpeaker, speaker("bob-main", "bob"))
        bob.peer.channels.mute_audio(True)
        await page.until(lambda: page_speaker(page) is None, "nobody")


async def test_a_page_of_aiortc_speaks_too_and_is_told_so_itself(hub: Hub, join: Join) -> None:
    alice = await join("alice")
    alice.peer.channels.set_capture(None, Tone(1000))
    alice.peer.channels.mute_audio(True)
    bob = Person(hub, "bob")
    async with Participant("page", slots=2) as page:
        await bob.client.connect(page, capture="take")
        await page.hears(p.ActiveSpeaker, speaker("bob-main", "bob"))
        await alice.diary.finds(
            lambda entry: entry == ("control_received", p.ActiveSpeaker("bob-main", "bob")), "bob as the speaker"
        )


def page_speaker(page: Participant) -> str | None:
    told = [message for message in page.control if isinstance(message, p.ActiveSpeaker)]
    return told[-1].stream_id


async def test_a_page_is_told_of_its_network_and_of_the_others(hub: Hub, join: Join) -> None:
    await join("alice")
    bob = Person(hub, "bob")
    async with Participant("page", slots=2) as page:
        await bob.client.connect(page, capture="take")

        def is_known(message: p.NetworkQuality) -> bool:
            ways = [message.upstream, message.downstream, *[user.upstream for user in message.users]]
            return len(ways) == 3 and all(way.rtt is not None and way.loss is not None for way in ways)

        told = await page.hears(p.NetworkQuality, is_known)
        assert [user.user_id for user in told.users] == ["alice"]


async def test_with_more_people_than_slots_who_speaks_is_seen_and_heard(
    hub: Hub, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zego_widget.hub.playlist.PLAY_LIMIT", 2)
    quiet = [await join(user_id) for user_id in ("bob", "carol")]
    for person in quiet:
        person.peer.channels.mute_audio(True)
    alice = Person(hub, "alice", publishes=False)
    async with Participant("page", slots=2, sends=()) as page:
        await alice.client.connect(page, capture="never")
        await page.until(lambda: page.slot_of("bob-main") and page.slot_of("carol-main"), "the first two")
        stays, goes = page.slot_of("bob-main"), page.slot_of("carol-main")
        assert stays is not None
        assert goes is not None
        await join("dave")
        await page.hears(p.ActiveSpeaker, speaker("dave-main", "dave"))
        dave = page.slot_of("dave-main")
        assert dave is not None
        assert (dave.audio_mid, dave.video_mid) == (goes.audio_mid, goes.video_mid)
        assert page.slot_of("bob-main") == stays
        before = page.frames.copy()
        await page.until(lambda: page.frames[dave.video_mid] > before[dave.video_mid] + 5, "pictures of dave")
        await page.until(lambda: page.loudness.get(dave.audio_mid or "", 0) > 500, "sound of dave")
