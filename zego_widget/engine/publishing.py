"""Previewing and publishing: one stream per channel."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .. import protocol
from ..errors import ErrorCode, HubUnreachable, Refused, ZegoError
from ..model import PublishChannel
from ..room.ids import check_stream_id
from .capture import CaptureSettings
from .core import Core, as_zego_error
from .line import Link
from .participation import Participation
from .profile import Canvas
from .rooms import Rooms
from .states import PUBLISHER, PublisherEvent, PublisherState, next_state

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Publication:
    """What a channel publishes."""

    stream_id: str
    channel: PublishChannel
    state: PublisherState = PublisherState.NO_PUBLISH
    # The hub was asked for it, over this link: another session knows nothing of it.
    asked: Link | None = None
    accepted: bool = False
    # It was live, and is being brought up again.
    returning: bool = False
    error: ZegoError | None = None


class Publishing:
    """The channels of an engine."""

    def __init__(self, core: Core, rooms: Rooms, media: Participation, capture: CaptureSettings) -> None:
        self._core = core
        self._rooms = rooms
        self._media = media
        self._capture = capture
        self._publications: dict[PublishChannel, Publication] = {}
        self.previews: dict[PublishChannel, Canvas] = {}
        # Sources are named one after the other: the last one counts.
        self._naming = asyncio.Lock()
        rooms.on_left.append(self._room_left)
        media.on_capture_broken.append(self._media_broken)
        media.on_capture_lost.append(self._media_lost)

    @property
    def publications(self) -> tuple[Publication, ...]:
        """What is published, or about to be."""
        return tuple(self._publications.values())

    # -- verbs ----------------------------------------------------------------------------------------------

    async def start(self, stream_id: str, channel: PublishChannel) -> None:
        """Publish a channel (ZEGO startPublishingStream); returns when the others can see it."""
        publication = Publication(stream_id, channel)
        try:
            self._check(publication)
        except ZegoError as error:
            now = self._publications.get(channel)
            if now is None or now.stream_id != stream_id:
                self._tell(publication, error)
            raise
        self._publications[channel] = publication
        self._media.set_publishing(True, channel)
        self._core.set_active(("publish", channel), True)
        self._move(publication, PublisherEvent.START)
        try:
            await self._bring_up(publication)
        except Exception as error:
            if self._publications.get(channel) is publication:
                self._end(publication, PublisherEvent.FAILED, as_zego_error(error))
                if publication.accepted or isinstance(error, HubUnreachable):
                    await self._give_back(publication)
            if publication.error is error or not isinstance(error, ZegoError):
                raise
            assert publication.error is not None
            raise publication.error from None

    async def stop(self, channel: PublishChannel) -> None:
        """Publish a channel no longer (ZEGO stopPublishingStream); nothing if it publishes nothing."""
        publication = self._publications.get(channel)
        if publication is None:
            return
        self._end(publication, PublisherEvent.STOP, None)
        await self._give_back(publication)

    async def start_preview(self, canvas: Canvas, channel: PublishChannel) -> None:
        """Show what a channel captures (ZEGO startPreview); again: another canvas."""
        self.previews[channel] = canvas
        self._media.pages.wishes.set_preview(True, channel)
        self._media.pages.show(channel, canvas)
        self._core.set_active(("preview", channel), True)

    async def stop_preview(self, channel: PublishChannel) -> None:
        """Show it no longer (ZEGO stopPreview)."""
        self._end_preview(channel)

    async def change(self, channel: PublishChannel, changes: Mapping[str, Any]) -> None:
        """Change fields of a channel's settings, now and for later."""
        settings = self._capture.channels[channel]
        for name, value in changes.items():
            setattr(settings, name, value)
        self._media.settings_changed(channel)

    async def change_traffic(
        self, channel: PublishChannel, changes: Mapping[str, Any], *, before_publishing: bool
    ) -> None:
        """Change fields of a channel's traffic control; some only before it publishes (1000066)."""
        if before_publishing and channel in self._publications:
            sentence = (
                f"Traffic control of channel {channel.name} is chosen before it publishes; stop publishing first."
            )
            raise ZegoError(sentence, ErrorCode.COMMON_CONFIG_AFTER_ENGINE_STARTED)
        traffic = self._capture.channels[channel].traffic
        await self.change(channel, {"traffic": replace(traffic, **changes)})

    async def mute_microphone(self, mute: bool) -> None:
        """Send silence (ZEGO muteMicrophone)."""
        self._capture.microphone_muted = mute
        for channel in PublishChannel:
            await self.change(channel, {})

    async def set_sources(self, video: Any, audio: Any, channel: PublishChannel) -> None:
        """Capture from these (None: nothing): sources, arrays or functions, as `media.sources` takes them."""
        async with self._naming:
            sources = await asyncio.to_thread(importlib.import_module, "zego_widget.media.sources")
            self._capture.channels[channel].sources = (sources.video_source(video), sources.audio_source(audio))
            self._media.sources_changed(channel)

    async def reset_sources(self, channel: PublishChannel) -> None:
        """Capture from what is captured where nothing was named."""
        async with self._naming:
            self._capture.channels[channel].sources = None
            self._media.sources_changed(channel)

    async def set_scenario(self, scenario: Any) -> None:
        """Start again with the settings of a scenario (ZEGO setRoomScenario); not while logged in (1000067)."""
        if self._rooms.login_now is not None:
            sentence = "The scenario is chosen before the login; log out first."
            raise ZegoError(sentence, ErrorCode.COMMON_CONFIG_AFTER_ROOM_LOGGED_IN)
        self._capture.use(scenario)
        for channel in PublishChannel:
            self._media.settings_changed(channel)

    async def snapshot(self, channel: PublishChannel) -> Any:
        """The next captured picture (ZEGO takePublishStreamSnapshot)."""
        if channel not in self._publications and channel not in self.previews:
            sentence = f"Channel {channel.name} is neither published nor previewed."
            raise ZegoError(sentence, ErrorCode.PUBLISHER_TAKE_PUBLISH_STREAM_SNAPSHOT_FAILED)
        return await self._media.capture_snapshot(channel)

    # -- inside ---------------------------------------------------------------------------------------------

    def _check(self, publication: Publication) -> None:
        if self._rooms.login_now is None:
            raise ZegoError("Log in to a room before publishing.", ErrorCode.COMMON_NOT_LOGIN_ROOM)
        if (now := self._publications.get(publication.channel)) is not None:
            sentence = f"Channel {now.channel.name} publishes {now.stream_id} already; stop that first."
            raise ZegoError(sentence, ErrorCode.PUBLISHER_ERROR_ALREADY_DO_PUBLISH)
        check_stream_id(publication.stream_id)

    async def _bring_up(self, publication: Publication) -> None:
        while True:
            login = await self._rooms.entered()
            self._still(publication)
            link = login.link
            if publication.asked is not link:
                publication.asked = link
                message = protocol.StartPublishing(0, publication.stream_id, publication.channel)
                try:
                    await self._rooms.request(message, protocol.Done)
                except HubUnreachable:
                    self._still(publication)
                    if login is self._rooms.login_now and login.link is not link:
                        continue  # the session was lost: the next one is asked
                    raise
                publication.accepted = True
                self._still(publication)
            await self._media.captured(lambda: not self._is_known(publication))
            self._still(publication)
            if self._is_known(publication):
                break
        self._move(publication, PublisherEvent.LIVE)

    def _is_known(self, publication: Publication) -> bool:
        """Whether it is still wanted, and the hub of the present session was asked for it."""
        login = self._rooms.login_now
        wanted = self._publications.get(publication.channel) is publication
        return wanted and login is not None and login.link is publication.asked

    def _media_broken(self, error: ZegoError) -> None:
        """Nobody gets what is published: it goes on by itself (ZEGO.md, section 6)."""
        broken = ZegoError(error.message, ErrorCode.PUBLISHER_ERROR_NETWORK_INTERRUPT)
        for publication in self.publications:
            if publication.state is PublisherState.PUBLISHING:
                publication.returning = True
                self._move(publication, PublisherEvent.BROKEN, broken)
                self._core.spawn(self._come_back(publication))

    async def _come_back(self, publication: Publication) -> None:
        try:
            await self._bring_up(publication)
        except Exception as error:
            if self._publications.get(publication.channel) is publication:
                lost = as_zego_error(error)
                if not isinstance(error, Refused):
                    lost = ZegoError(lost.message, ErrorCode.PUBLISHER_ERROR_RETRY_TIMEOUT)
                self._end(publication, PublisherEvent.FAILED, lost)
                await self._give_back(publication)
        else:
            publication.returning = False

    def _end_preview(self, channel: PublishChannel) -> None:
        self.previews.pop(channel, None)
        self._media.pages.wishes.set_preview(False, channel)
        self._media.pages.hide(channel)
        self._core.set_active(("preview", channel), False)

    def _still(self, publication: Publication) -> None:
        if self._publications.get(publication.channel) is not publication:
            assert publication.error is not None
            raise publication.error

    def _end(self, publication: Publication, event: PublisherEvent, error: ZegoError | None) -> None:
        del self._publications[publication.channel]
        publication.error = error or ZegoError(
            f"Publishing {publication.stream_id} was stopped before it began.",
            ErrorCode.PUBLISHER_PUBLISH_STREAM_FAILED,
        )
        self._media.set_publishing(False, publication.channel)
        self._move(publication, event, error)
        self._core.set_active(("publish", publication.channel), False)

    def _move(self, publication: Publication, event: PublisherEvent, error: ZegoError | None = None) -> None:
        """The one place where a publication changes its state."""
        publication.state = next_state(PUBLISHER, publication.state, event)
        logger.info("stream %a: %s", publication.stream_id, publication.state.name)
        self._tell(publication, error)

    def _tell(self, publication: Publication, error: ZegoError | None) -> None:
        code, extended = (ErrorCode.SUCCESS, {}) if error is None else (error.code, {"message": error.message})
        self._core.emit("publisher_state_update", publication.state, code, extended, publication.stream_id)

    def _room_left(self, error: ZegoError | None, keeps_preview: bool) -> None:
        if error is not None and error.code is ErrorCode.ROOM_RETRY_TIMEOUT:
            error = ZegoError(error.message, ErrorCode.PUBLISHER_ERROR_RETRY_TIMEOUT)
        for publication in self.publications:
            event = PublisherEvent.STOP if error is None else PublisherEvent.FAILED
            self._end(publication, event, error)
        if not keeps_preview:
            for channel in list(self.previews):
                self._end_preview(channel)

    def _media_lost(self, error: ZegoError) -> None:
        for publication in self.publications:
            if publication.state is PublisherState.PUBLISH_REQUESTING and not publication.returning:
                continue  # the verb that is under way tells
            lost = ZegoError(error.message, ErrorCode.PUBLISHER_ERROR_RETRY_TIMEOUT)
            self._end(publication, PublisherEvent.FAILED, lost)
            self._core.spawn(self._give_back(publication))

    async def _give_back(self, publication: Publication) -> None:
        login = self._rooms.login_now
        if publication.asked is None or login is None or login.link is not publication.asked:
            return  # a session that is gone has given it back as well
        try:
            await self._rooms.request(protocol.StopPublishing(0, publication.channel), protocol.Done)
        except ZegoError as error:
            # The room was left meanwhile, or the hub is gone, which gives it back as well.
            logger.debug("A stream ID was not given back: %s", error)
