"""What an engine tells."""

from __future__ import annotations

from typing import Any

from .. import protocol
from ..errors import ErrorCode
from ..model import (
    BarrageMessageInfo,
    BroadcastMessageInfo,
    PublishChannel,
    RemoteDeviceState,
    RoomExtraInfo,
    RoomStateChangedReason,
    Stream,
    UpdateType,
    User,
)
from .devices import AudioDeviceType, DeviceInfo
from .quality import PlayStreamQuality, PublishStreamQuality, StreamQualityLevel
from .states import EngineState, PlayerMediaEvent, PlayerState, PublisherState


class EventHandler:
    """Override what you need (ZegoEventHandler). All methods are called in order on one thread of the engine.

    They may block, which delays later callbacks and nothing else, and may call any verb. One that raises is logged.
    `extended_data` is a dict; where a failure is told it has the sentence under `"message"`.
    """

    # -- engine -----------------------------------------------------------------------------------------------

    def on_debug_error(self, error_code: ErrorCode, func_name: str, info: str) -> None:
        """A verb failed (onDebugError): its name, and what to do about it."""

    def on_engine_state_update(self, state: EngineState) -> None:
        """START with the first preview, publishing or playing, STOP with the end of the last (onEngineStateUpdate)."""

    # -- room -------------------------------------------------------------------------------------------------

    def on_room_state_changed(
        self, reason: RoomStateChangedReason, error_code: ErrorCode, extended_data: dict[str, Any], room_id: str
    ) -> None:
        """The state of the room changed (onRoomStateChanged); `extended_data["room_session_id"]` with LOGINED."""

    def on_room_user_update(self, update_type: UpdateType, users: list[User], room_id: str) -> None:
        """Others came or went, or were there before us; if `is_user_status_notify` (onRoomUserUpdate)."""

    def on_room_online_user_count_update(self, count: int, room_id: str) -> None:
        """Users in the room, oneself included; after login and every 30 s (onRoomOnlineUserCountUpdate)."""

    def on_room_stream_update(
        self, update_type: UpdateType, streams: list[Stream], extended_data: dict[str, Any], room_id: str
    ) -> None:
        """Streams of others came or went, or were there before us (onRoomStreamUpdate).

        With DELETE `extended_data["stream_delete_reason"]` is a list of `{"stream_id", "code", "description"}`.
        """

    def on_room_stream_extra_info_update(self, streams: list[Stream], room_id: str) -> None:
        """Another changed the extra info of its stream (onRoomStreamExtraInfoUpdate)."""

    def on_room_extra_info_update(self, room_extra_infos: list[RoomExtraInfo], room_id: str) -> None:
        """Another changed the extra info of the room, or it was there before us (onRoomExtraInfoUpdate)."""

    def on_room_token_will_expire(self, remain_time_in_second: int, room_id: str) -> None:
        """The token ends in so many seconds (onRoomTokenWillExpire): call `renew_token`."""

    # -- publishing -------------------------------------------------------------------------------------------

    def on_publisher_state_update(
        self, state: PublisherState, error_code: ErrorCode, extended_data: dict[str, Any], stream_id: str
    ) -> None:
        """The state of one's own stream (onPublisherStateUpdate); NO_PUBLISH with an error: it failed."""

    def on_publisher_quality_update(self, quality: PublishStreamQuality, stream_id: str) -> None:
        """How one's own stream is sent, every 3 s (onPublisherQualityUpdate)."""

    def on_publisher_captured_audio_first_frame(self) -> None:
        """The first sound was captured (onPublisherCapturedAudioFirstFrame)."""

    def on_publisher_captured_video_first_frame(self, channel: PublishChannel) -> None:
        """The first picture of a channel was captured (onPublisherCapturedVideoFirstFrame)."""

    def on_publisher_video_size_changed(self, width: int, height: int, channel: PublishChannel) -> None:
        """Pixels of what a channel sends from now on (onPublisherVideoSizeChanged)."""

    def on_captured_sound_level_update(self, sound_level: float) -> None:
        """Loudness of one's own microphone, 0 to 100 (onCapturedSoundLevelUpdate)."""

    def on_local_device_exception_occurred(self, error_code: ErrorCode, channel: PublishChannel, info: str) -> None:
        """A source of Python failed, or camera, microphone or screen of a page (onLocalDeviceExceptionOccurred).

        1006003: the person did not allow it; 1006005: another program has it; 1006006: it was plugged out; 1006001.
        """

    def on_video_device_state_changed(self, update_type: UpdateType, device_info: DeviceInfo) -> None:
        """A camera of the browser was plugged in or out (onVideoDeviceStateChanged)."""

    def on_audio_device_state_changed(
        self, update_type: UpdateType, device_type: AudioDeviceType, device_info: DeviceInfo
    ) -> None:
        """A microphone or speaker of the browser was plugged in or out (onAudioDeviceStateChanged)."""

    # -- playing ----------------------------------------------------------------------------------------------

    def on_player_state_update(
        self, state: PlayerState, error_code: ErrorCode, extended_data: dict[str, Any], stream_id: str
    ) -> None:
        """The state of a played stream (onPlayerStateUpdate).

        PLAY_REQUESTING with 1004002: the stream has gone, and plays again when it is back. NO_PLAY with an error: it
        failed. PLAYING with 1004080: its sound alone, since its pictures come in a codec that the page (or Python) does
        not take; PLAYING again without an error: they are there.
        """

    def on_player_quality_update(self, quality: PlayStreamQuality, stream_id: str) -> None:
        """How a played stream arrives, every 3 s (onPlayerQualityUpdate)."""

    def on_player_media_event(self, event: PlayerMediaEvent, stream_id: str) -> None:
        """The pictures of a played stream are paused, for the connection has no room for them, or go on.

        (onPlayerMediaEvent, VIDEO_BREAK_OCCUR and VIDEO_BREAK_RESUME; its sound goes on.)
        """

    def on_player_recv_audio_first_frame(self, stream_id: str) -> None:
        """The first sound of a played stream arrived (onPlayerRecvAudioFirstFrame)."""

    def on_player_recv_video_first_frame(self, stream_id: str) -> None:
        """The first picture of a played stream arrived (onPlayerRecvVideoFirstFrame)."""

    def on_player_video_size_changed(self, width: int, height: int, stream_id: str) -> None:
        """Pixels of a played stream from now on (onPlayerVideoSizeChanged)."""

    def on_remote_camera_state_update(self, state: RemoteDeviceState, stream_id: str) -> None:
        """The camera behind a played stream changed (onRemoteCameraStateUpdate)."""

    def on_remote_mic_state_update(self, state: RemoteDeviceState, stream_id: str) -> None:
        """The microphone behind a played stream changed (onRemoteMicStateUpdate)."""

    def on_remote_sound_level_update(self, sound_levels: dict[str, float]) -> None:
        """Stream ID -> loudness of each played stream, 0 to 100 (onRemoteSoundLevelUpdate)."""

    def on_network_quality(
        self, user_id: str | None, upstream: StreamQualityLevel, downstream: StreamQualityLevel
    ) -> None:
        """The network, every 2 s while publishing or playing (onNetworkQuality).

        `user_id` is None for oneself; others are told of while we play what they publish.
        """

    # -- messages ---------------------------------------------------------------------------------------------

    def on_im_recv_broadcast_message(self, messages: list[BroadcastMessageInfo], room_id: str) -> None:
        """Others wrote, oldest first, at most 50 (onIMRecvBroadcastMessage)."""

    def on_im_recv_barrage_message(self, messages: list[BarrageMessageInfo], room_id: str) -> None:
        """Others wrote, oldest first, at most 50 (onIMRecvBarrageMessage)."""

    def on_im_recv_custom_command(self, command: str, from_user: User, room_id: str) -> None:
        """Another sent a command (onIMRecvCustomCommand)."""

    # -- call invitation --------------------------------------------------------------------------------------

    def on_call_invitation_created(self, info: protocol.CallInvitationCreated) -> None:
        """The call that we began is there (ZIM callInvitationCreated)."""

    def on_call_invitation_received(self, info: protocol.CallInvitationReceived) -> None:
        """Somebody calls us (ZIM callInvitationReceived): `call_accept` or `call_reject` within `info.timeout` s."""

    def on_call_invitation_cancelled(self, info: protocol.CallInvitationCancelled) -> None:
        """We need not answer any more (ZIM callInvitationCancelled)."""

    def on_call_invitation_ended(self, info: protocol.CallInvitationEnded) -> None:
        """An advanced call that we were in has ended (ZIM callInvitationEnded)."""

    def on_call_invitation_timeout(self, info: protocol.CallInvitationTimeout) -> None:
        """We did not answer in time (ZIM callInvitationTimeout)."""

    def on_call_user_state_changed(self, info: protocol.CallUserStateChanged) -> None:
        """What became of other users of a call (ZIM callUserStateChanged)."""

    def on_signed_out(self, error_code: ErrorCode, info: str) -> None:
        """We can no longer be called: the user signed in elsewhere, or the hub is gone."""
