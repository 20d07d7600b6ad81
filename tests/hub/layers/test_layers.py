"""Everybody is sent the layer of a camera that fits the tile, without a break on the way from one to another."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable

import pytest

from tests.hub.core.links import Client
from tests.hub.core.test_call import running_hub
from tests.hub.layers.cameras import BRIGHTNESS, SIZES, LayeredParticipant
from tests.hub.peers import Participant
from zego_widget import protocol as p
from zego_widget.forwarder.uplink import START
from zego_widget.hub.hub import Hub
from zego_widget.hub.settings import HubSettings

STREAM = "alice-main"
NEAR = 14


class History(dict[str, float]):
    """The brightness of every picture, not only of the latest."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[float] = []

    def __setitem__(self, mid: str, brightness: float) -> None:
        super().__setitem__(mid, brightness)
        self.seen.append(brightness)


class Viewer:
    """Someone who plays Alice's stream in a tile."""

    def __init__(self, page: Participant) -> None:
        self.page = page
        self.pictures = page.brightness = History()

    def resize(self, width: int, height: int) -> None:
        self.page.say(p.TileSizes([p.TileSize(STREAM, width, height)]))

    @property
    def layer(self) -> str | None:
        """The layer of the latest picture."""
        mid = self._mid
        shown = self.page.brightness.get(mid) if mid else None
        return next((rid for rid, b in BRIGHTNESS.items() if shown is not None and abs(b - shown) < NEAR), None)

    async def sees(self, rid: str, frames: int = 8) -> None:
        """Wait until this layer is shown, and goes on."""
        await self.page.until(lambda: self.layer == rid, f"layer {rid}")
        await self.more_frames(frames)
        assert self.layer == rid

    async def more_frames(self, frames: int) -> None:
        before = self._frames
        await self.page.until(lambda: self._frames >= before + frames, "more frames")

    def assert_without_artefacts(self) -> None:
        """Every picture ever shown was a picture of one layer."""
        strange = [b for b in self.pictures.seen if all(abs(b - known) >= NEAR for known in BRIGHTNESS.values())]
        assert not strange

    @property
    def _mid(self) -> str | None:
        slot = self.page.slot_of(STREAM)
        return slot.video_mid if slot else None

    @property
    def _frames(self) -> int:
        return self.page.frames[self._mid or ""]


class Room:
    """Alice, whose camera has layers, and whoever looks at her."""

    def __init__(self, hub: Hub, people: contextlib.AsyncExitStack) -> None:
        self.hub = hub
        self._people = people

    async def alice(self) -> LayeredParticipant:
        client = Client(self.hub, "alice")
        client.login()
        assert isinstance(client.ask(p.StartPublishing, STREAM), p.Done)
        page = await self._people.enter_async_context(LayeredParticipant("alice-page"))
        await client.connect(page, capture="take")
        await page.hears(p.RoomSnapshot)
        page.send_camera()
        return page

    async def viewer(self, name: str, *sizes: int) -> Viewer:
        client = Client(self.hub, name)
        client.login()
        page = await self._people.enter_async_context(Participant(f"{name}-page", slots=1, sends=()))
        viewer = Viewer(page)
        await client.connect(page, capture="never")
        await page.hears(p.RoomSnapshot)
        if sizes:
            viewer.resize(*sizes)
        return viewer


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with running_hub(HubSettings()) as hub, contextlib.AsyncExitStack() as people:
        yield Room(hub, people)


async def told(page: LayeredParticipant, rids: Iterable[str]) -> None:
    """Wait until the hub wants these layers of a page, in this order, and no others."""
    await page.until(lambda: page.wanted == list(rids), f"the layers {rids}")


async def test_whoever_says_nothing_of_tiles_gets_the_largest_layer(room: Room) -> None:
    await room.alice()
    bob = await room.viewer("bob")
    await bob.sees("f")
    bob.assert_without_artefacts()


async def test_each_tile_has_the_layer_that_fits_it(room: Room) -> None:
    await room.alice()
    small, middle, large = [
        await room.viewer(name, *SIZES[rid]) for name, rid in (("bob", "q"), ("carol", "h"), ("dave", "f"))
    ]
    await small.sees("q")
    await middle.sees("h")
    await large.sees("f")


async def test_a_tile_that_grows_and_shrinks_goes_on_without_a_break(room: Room) -> None:
    alice = await room.alice()
    bob = await room.viewer("bob", *SIZES["q"])
    await bob.sees("q")
    for rid in ("f", "q", "h", "f", "h", "q"):
        bob.resize(*SIZES[rid])
        await bob.sees(rid)
    bob.assert_without_artefacts()
    assert alice.key_frames_asked.total() <= 16


async def test_a_tile_out_of_sight_receives_sound_alone(room: Room) -> None:
    await room.alice()
    bob = await room.viewer("bob", *SIZES["h"])
    await bob.sees("h")
    bob.resize(0, 0)
    slot = bob.page.slot_of(STREAM)
    assert slot is not None
    assert slot.audio_mid is not None
    video, audio = (bob.page.frames[mid or ""] for mid in (slot.video_mid, slot.audio_mid))
    await bob.page.until(lambda: bob.page.frames[slot.audio_mid or ""] > audio + 50, "sound for a second")
    assert bob.page.frames[slot.video_mid or ""] - video < 8  # what was on its way, and no second of picture
    bob.resize(*SIZES["h"])
    await bob.sees("h")
    bob.assert_without_artefacts()


async def test_layers_that_nobody_watches_are_switched_off_and_on_again_in_time(room: Room) -> None:
    alice = await room.alice()
    bob = await room.viewer("bob", *SIZES["q"])
    await bob.sees("q")
    await told(alice, "q")
    sent = alice.sent.copy()
    await bob.more_frames(10)
    assert alice.sent["f"] == sent["f"]

    bob.resize(*SIZES["f"])
    await told(alice, "qf")
    await bob.sees("f")
    carol = await room.viewer("carol", *SIZES["h"])
    await carol.sees("h")
    assert alice.wanted == ["q", "h", "f"]
    bob.assert_without_artefacts()


async def test_with_nobody_looking_the_smallest_layer_goes_on_for_whoever_comes(room: Room) -> None:
    alice = await room.alice()
    await told(alice, "q")
    bob = await room.viewer("bob")
    await bob.page.until(lambda: bob.layer is not None, "a picture")
    await bob.sees("f")


async def test_a_layer_that_the_publisher_can_not_send_gives_way_to_a_smaller_one(room: Room) -> None:
    alice = await room.alice()
    bob = await room.viewer("bob", *SIZES["f"])
    await bob.sees("f")
    alice.stopped = {"f"}
    await bob.sees("h")
    alice.stopped = {"f", "h"}
    await bob.sees("q")
    alice.stopped = set()
    await bob.sees("f")
    bob.assert_without_artefacts()


async def test_a_publisher_of_layers_is_told_what_it_may_send(room: Room) -> None:
    alice = await room.alice()
    bob = await room.viewer("bob")
    await bob.sees("f")
    await bob.page.until(lambda: alice.estimates, "an estimate")
    bitrate, ssrcs = alice.estimates[-1]
    assert set(ssrcs) == alice.ssrcs
    assert bitrate == pytest.approx(START, rel=0.2)
