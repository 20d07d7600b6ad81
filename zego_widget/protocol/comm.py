"""Views and their kernel; `Offer`, `ClosePeer`, `Answer`, `Refused` and `Done` travel here too, as they are.

A page is the front end's call object of one engine, whatever number of views show it. What the engine wants of its
pages is state, not messages: `PageMedia`, the trait `_media` of every view, so that a page that reloads has it at once.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ..model import PublishChannel, RemoteDeviceState, VideoMirrorMode
from .base import Message, RequestId

# -- the trait `_media`: what an engine wants of its pages ---------------------------------------------------------


class PageTraffic(msgspec.Struct, frozen=True):
    """What a page may lower when there is no room for a channel's pictures (ZEGO enableTrafficControl)."""

    fps: bool = True
    resolution: bool = False
    min_kbps: int = 0
    """Below it (for a while) no picture is sent, or 2 frames/s with `ultra_low_fps`; 0: whatever there is room for."""
    ultra_low_fps: bool = False
    min_fps: int = 0
    """0: as the browser thinks best. So below."""
    min_width: int = 0
    min_height: int = 0


class PageChannel(msgspec.Struct, frozen=True):
    """One publish channel: the camera and microphone (main) or a screen (aux) of a page."""

    preview: bool = False
    """A view shows it, published or not (ZEGO startPreview)."""
    publish: bool = False
    """It is sent once the page's peer is connected (ZEGO startPublishingStream)."""
    audio: bool = True
    """The device is open (ZEGO enableAudioCaptureDevice)."""
    audio_muted: bool = False
    """Nothing is sent (ZEGO mutePublishStreamAudio)."""
    video_muted: bool = False
    """Nothing is sent, the preview goes on (ZEGO mutePublishStreamVideo)."""
    width: int = 640
    height: int = 360
    fps: int = 15
    video_kbps: int = 600
    audio_kbps: int = 48
    stereo: bool = False
    traffic: PageTraffic = PageTraffic()


class PagePlayed(msgspec.Struct, frozen=True):
    """How a page plays a stream that is not played as it comes."""

    stream_id: str
    audio_muted: bool = False
    video_muted: bool = False
    volume: int = 100
    """0 to 200; 100 leaves the sound as it is."""


class PageMedia(msgspec.Struct, frozen=True):
    """What an engine wants of its pages; the muted microphone and the closed camera are traits of their own."""

    captures: bool = True
    """False: something else captures for this engine; its pages only play."""
    main: PageChannel = PageChannel()
    aux: PageChannel = PageChannel()
    played: list[PagePlayed] = []
    camera_id: str = ""
    """`device_id` of the chosen device; empty is the browser's choice. So below."""
    microphone_id: str = ""
    speaker_id: str = ""
    speaker_muted: bool = False
    capture_volume: int = 100
    """0 to 200."""
    mirror: VideoMirrorMode = VideoMirrorMode.ONLY_PREVIEW_MIRROR
    zoom: float = 1.0
    sound_period: int = 0
    """Milliseconds between two `PageSoundLevels`; 0: none are wanted."""


Count = Annotated[int, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
SoundLevel = Annotated[float, msgspec.Meta(ge=0, le=100)]

# -- view -> kernel ----------------------------------------------------------------------------------------------


class ViewHello(Message, frozen=True):
    """A page's call object exists and listens; the kernel answers `Ready`."""

    protocol: int
    page_id: str


class PressStart(Message, frozen=True):
    """The person pressed Start call on this page."""

    page_id: str


class PressStop(Message, frozen=True):
    """The person pressed Stop call and the page has no open control channel."""

    page_id: str


class PressSwitches(Message, frozen=True):
    """The person muted the microphone on this page, closed the camera, or undid it; None was not pressed.

    No change of a trait: ipywidgets tells none any more once one was lost on its way.
    """

    page_id: str
    microphone_muted: bool | None
    camera_enabled: bool | None


class PageDevice(msgspec.Struct, frozen=True):
    """A device of the browser; names are empty until the person has allowed its use once."""

    kind: Literal["camera", "microphone", "speaker"]
    device_id: str
    device_name: str


class PageDevices(Message, frozen=True):
    """All devices of the browser; said once the page is live, and after every change."""

    page_id: str
    devices: list[PageDevice]


class PageStatus(Message, frozen=True):
    """Where a page stands; said after every change."""

    page_id: str
    peer_id: str | None
    """Of its connected peer."""
    captures: bool
    microphone: RemoteDeviceState
    camera: RemoteDeviceState
    screen: RemoteDeviceState
    max_zoom: Annotated[float, msgspec.Meta(ge=1, le=1000)]
    """Of the open camera; 1 where it has no zoom."""
    played: list[str]
    """Streams that its receive slots show."""


class PageFirstFrame(Message, frozen=True):
    """The first picture or sound of a published channel was captured, or of a played stream arrived."""

    page_id: str
    kind: Literal["audio", "video"]
    channel: PublishChannel | None
    """None: a played stream."""
    stream_id: str | None


class PagePictureSize(Message, frozen=True):
    """Pixels of a published channel or a played stream from now on."""

    page_id: str
    channel: PublishChannel | None
    stream_id: str | None
    width: int
    height: int


class PageTrackStats(msgspec.Struct, frozen=True):
    """One kind of one stream; counts are since the stream came (played) or the connection began (published)."""

    bytes: Count = 0
    packets: Count = 0
    frames: Count = 0
    """Encoded or received; audio frames have 20 ms."""
    frames_decoded: Count = 0
    packets_lost: Count = 0
    loss: Share = 0.0
    """Share of packets lost lately, 0 to 1."""


class PageStreamStats(msgspec.Struct, frozen=True):
    """One stream."""

    audio: PageTrackStats = PageTrackStats()
    video: PageTrackStats = PageTrackStats()


class PageStats(Message, frozen=True):
    """Counts of a connected page's streams; said every second."""

    page_id: str
    rtt: Annotated[float, msgspec.Meta(ge=0, le=3600)] | None
    """Round-trip time to the hub in seconds."""
    main: PageStreamStats | None
    """None: this page does not send it. So below."""
    aux: PageStreamStats | None
    played: dict[str, PageStreamStats]


class PageSoundLevels(Message, frozen=True):
    """Loudness, 0 to 100; said every `PageMedia.sound_period`."""

    page_id: str
    captured: SoundLevel | None
    """None: this page captures no sound."""
    played: dict[str, SoundLevel]


class PageSnapshot(Message, frozen=True):
    """Answers `TakeSnapshot` with one buffer of `width * height * 4` bytes RGBA; 0 by 0: there is no picture."""

    page_id: str
    request_id: RequestId
    width: int
    height: int


class Diagnose(Message, frozen=True):
    """The person asks on this page what is wrong; answered by `Diagnosis`."""

    page_id: str
    request_id: RequestId


# -- kernel -> view ----------------------------------------------------------------------------------------------


class Ready(Message, frozen=True):
    """Answers `ViewHello`: a live kernel owns this widget. Without it a view never opens a camera."""

    page_id: str
    protocol: int
    version: str


class TakeSnapshot(Message, frozen=True):
    """The page named is asked for the present picture of a channel or a stream; answered by `PageSnapshot`."""

    page_id: str
    request_id: RequestId
    channel: PublishChannel | None
    stream_id: str | None


class DiagnosisFinding(msgspec.Struct, frozen=True):
    """What one check found, as of `zego-widget doctor`."""

    check: str
    verdict: Literal["ok", "limited", "broken", "unknown"]
    sentence: str
    advice: str
    """Empty where there is nothing to do."""


class Diagnosis(Message, frozen=True):
    """Answers `Diagnose`: what the kernel sees of itself and of its hub. Nothing in it is secret."""

    page_id: str
    request_id: RequestId
    version: str
    """Of the package in the kernel."""
    findings: list[DiagnosisFinding]
