"""The codecs that the forwarder passes on, and how one peer's payload types map to another's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .keyframes import begins_h264_key_frame, begins_vp8_key_frame, has_h264_parameters

RTX = "rtx"


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec as one peer's SDP numbers it (RFC 8866, `a=rtpmap` and `a=fmtp`)."""

    name: str
    """Encoding name in lower case."""
    clock_rate: int
    channels: int | None
    payload_type: int
    parameters: Mapping[str, str]
    rtx_payload_type: int | None = None
    """Payload type of the retransmission stream of this codec (RFC 4588)."""
    nack: bool = False
    """Whether the peer deals with generic NACKs about this codec (RFC 4585, section 6.2.1)."""
    remb: bool = False
    """Whether it takes bandwidth estimates for it (draft-alvestrand-rmcat-remb)."""

    @property
    def key(self) -> str:
        """Equal for two codecs whose payload one decoder takes alike."""
        if self.name == "h264":  # constraint flags and level may differ, the profile may not (RFC 6184, 8.2.2)
            profile = self.parameters.get("profile-level-id", "42001f")[:2].lower()
            return f"h264/{self.parameters.get('packetization-mode', '0')}/{profile}"
        return f"{self.name}/{self.clock_rate}/{self.channels or 1}"

    @property
    def begins_key_frame(self) -> Callable[[bytes], bool] | None:
        """Tells whether a payload begins a key frame; None where every packet can begin a stream (audio)."""
        return _KEY_FRAME_TESTS.get(self.name)

    def stands_alone(self, payload: bytes) -> bool:
        """Whether a key frame that begins with this payload needs nothing that may have come right before it."""
        return self.name != "h264" or has_h264_parameters(payload)


_KEY_FRAME_TESTS: dict[str, Callable[[bytes], bool]] = {
    "vp8": begins_vp8_key_frame,
    "h264": begins_h264_key_frame,
}

_FORWARDED = {"audio": {"opus"}, "video": {"vp8", "h264"}}


_TITLES = {"vp8": "VP8", "h264": "H.264", "opus": "Opus"}
_H264_PROFILES = {"42": "", "4d": " Main", "64": " High"}  # profile_idc (RFC 6184, section 8.1)


def title_of(key: str) -> str:
    """What people call the codec of a `Codec.key`; with the profile where it is more than the common one."""
    name, *rest = key.split("/")
    profile = _H264_PROFILES.get(rest[-1], "") if name == "h264" else ""
    return _TITLES.get(name, name) + profile


def is_forwarded(kind: str, codec: Codec) -> bool:
    """Whether the forwarder passes this codec on."""
    if codec.name == "h264" and codec.parameters.get("packetization-mode") != "1":
        return False
    return codec.name in _FORWARDED.get(kind, ())
