"""What is sent in a codec that a viewer does not take is refused to that viewer, who is told; the others go on."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest
from aiortc import RTCRtpSender

from tests.hub.core.links import Client
from tests.hub.core.test_call import running_hub
from tests.hub.peers import Participant
from zego_widget import protocol as p
from zego_widget.hub.hub import Hub
from zego_widget.hub.settings import HubSettings

STREAM = "alice-main"
BRIGHTNESS = 180
REFUSED = [p.RefusedVideo(STREAM, "H.264")]


class Room:
    """Alice, who sends, and people who look at her; each takes the video codecs that are named, best first."""

    def __init__(self, hub: Hub, people: contextlib.AsyncExitStack) -> None:
        self.hub = hub
        self._people = people

    def client(self, name: str) -> Client:
        client = Client(self.hub, name)
        client.login()
        return client

    async def page(self, client: Client, *codecs: str, page: str = "page", sends: bool = False) -> Participant:
        """A page of somebody; returns when it has heard of the room."""
        participant = Participant(page, slots=2, sends=("microphone", "camera") if sends else (), brightness=BRIGHTNESS)
        await self._people.enter_async_context(participant)
        known = RTCRtpSender.getCapabilities("video").codecs
        for transceiver in participant.pc.getTransceivers():
            if transceiver.kind == "video":
                transceiver.setCodecPreferences(
                    [each for codec in codecs for each in known if each.mimeType.lower() == f"video/{codec}"]
                )
        await client.connect(participant, capture="take" if sends else "never")
        await participant.hears(p.RoomSnapshot)
        return participant

    async def alice(self, *codecs: str) -> Client:
        """Alice publishes, from a page."""
        client = self.client("alice")
        assert isinstance(client.ask(p.StartPublishing, STREAM), p.Done)
        await self.page(client, *codecs, sends=True)
        return client


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with running_hub(HubSettings()) as hub, contextlib.AsyncExitStack() as people:
        yield Room(hub, people)


async def hears(page: Participant) -> None:
    """Wait until sound of the stream is decoded, and goes on."""
    await page.until(lambda: page.slot_of(STREAM), "a slot")
    slot = page.slot_of(STREAM)
    assert slot is not None and slot.audio_mid is not None
    mid = slot.audio_mid
    before = page.frames[mid]
    await page.until(lambda: page.frames[mid] >= before + 20 and page.loudness[mid] > 500, "sound")


def pictures(page: Participant) -> int:
    slot = page.slot_of(STREAM)
    return page.frames[slot.video_mid or ""] if slot else 0


async def test_who_takes_no_h264_is_told_at_once_and_hears_on_while_others_see(room: Room) -> None:
    bob, carol = room.client("bob"), room.client("carol")
    vp8_only = await room.page(bob, "vp8")
    both = await room.page(carol, "vp8", "h264")
    await room.alice("h264")
    assert (await vp8_only.hears(p.VideosRefused)).videos == REFUSED
    told = await bob.hears(p.PeerVideosRefused)
    assert (told.peer_id, told.videos) == ("page", REFUSED)
    await both.sees(STREAM, BRIGHTNESS)
    await hears(vp8_only)
    assert pictures(vp8_only) == 0
    assert not [message for message in both.control if isinstance(message, p.VideosRefused)]
    assert not carol.all(p.PeerVideosRefused)


async def test_it_is_said_once_however_often_the_tile_scrolls_out_of_sight(room: Room) -> None:
    page = await room.page(room.client("bob"), "vp8")
    await room.alice("h264")
    await page.hears(p.VideosRefused)
    for side in (0, 320):
        page.say(p.TileSizes([p.TileSize(STREAM, side, side)]))
        await hears(page)
        room.hub.tick(room.hub.now())
    assert [said.videos for said in page.control if isinstance(said, p.VideosRefused)] == [REFUSED]


async def test_who_comes_later_is_told_with_the_room(room: Room) -> None:
    await room.alice("h264")
    page = await room.page(room.client("bob"), "vp8")
    assert (await page.hears(p.VideosRefused)).videos == REFUSED


async def test_a_codec_that_comes_though_another_was_offered_is_told_once_it_comes(room: Room) -> None:
    page = await room.page(room.client("bob"), "vp8")
    await room.alice("h264", "vp8")
    assert (await page.hears(p.VideosRefused)).videos == REFUSED
    assert pictures(page) == 0


async def test_a_publisher_who_comes_back_with_another_codec_is_seen(room: Room) -> None:
    bob = room.client("bob")
    page = await room.page(bob, "vp8")
    alice = await room.alice("h264")
    assert (await page.hears(p.VideosRefused)).videos == REFUSED
    await room.page(alice, "vp8", page="another", sends=True)
    await page.hears(p.VideosRefused, lambda told: not told.videos)
    await bob.hears(p.PeerVideosRefused, lambda told: not told.videos)
    await page.sees(STREAM, BRIGHTNESS)
