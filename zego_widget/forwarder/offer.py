"""An SDP offer, checked and reduced to what the forwarder needs.

aiortc parses the text; it raises many exception types on bad input, so everything that is refused leaves this
module as `BadOffer`. Size and shape are checked first: a hostile offer costs no parsing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from aiortc.rtcdtlstransport import RTCDtlsParameters
from aiortc.sdp import MediaDescription, SessionDescription

from ..errors import BadOffer
from .codecs import RTX, Codec, is_forwarded
from .simulcast import sent_rids

MAX_OFFER_BYTES = 256 * 1024
MAX_MEDIA = 64
MAX_LINES = 4096
MAX_SECTION_LINES = 512  # aiortc's parser looks codecs and SSRCs up in lists: its time grows with the square of this
MAX_LINE_BYTES = 4096

MID_EXTENSION = "urn:ietf:params:rtp-hdrext:sdes:mid"
AUDIO_LEVEL_EXTENSION = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
SEND_TIME_EXTENSION = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"

# what we never read is not parsed: we are ICE-lite and learn addresses from authenticated checks; of the feedback only
# `nack` matters, for which aiortc's parser takes too long
_UNREAD = ("a=candidate:", "a=rtcp-fb:")
_CLOCK_RATES = {"audio": 48000, "video": 90000}
_SCTP_PORT = 5000
_MAX_MESSAGE_SIZE = 65536


@dataclass(frozen=True, slots=True)
class OfferedMedia:
    """One m-section. `codecs` are those the forwarder passes on, in the offerer's order."""

    mid: str
    kind: str
    protocol: str
    formats: tuple[str, ...]
    direction: str
    codecs: tuple[Codec, ...]
    extensions: Mapping[str, int]
    ssrcs: tuple[int, ...]
    repairs: Mapping[int, int]
    """SSRC of a retransmission stream -> SSRC that it repairs (RFC 4588, section 8.1)."""
    rids: tuple[str, ...] = ()
    """Of the layers it sends at once (RFC 8853); none where it sends one picture."""

    @property
    def accepted(self) -> bool:
        """Whether the answer takes this section."""
        return self.kind == "application" or bool(self.codecs)


@dataclass(frozen=True, slots=True)
class SessionOffer:
    """A whole offer; transport parameters are those of the first bundled section (RFC 8843, section 7.2)."""

    media: tuple[OfferedMedia, ...]
    ice_ufrag: str
    ice_pwd: str
    dtls: RTCDtlsParameters
    """The offerer's fingerprints and role: `auto`, `client` or `server`."""
    sctp_port: int | None
    max_message_size: int
    has_bundle: bool
    """False where a single section needs no BUNDLE group; the answer has none then, either (RFC 8843, section 7.3)."""

    def receiving(self, kind: str) -> tuple[str, ...]:
        """The mids of this kind on which the offerer only receives, in order."""
        return tuple(m.mid for m in self.media if m.kind == kind and m.direction == "recvonly" and m.accepted)


def parse_offer(sdp: str) -> SessionOffer:
    """Parse an SDP offer; raises `BadOffer` and nothing else."""
    text = _checked_text(sdp)
    try:
        description = SessionDescription.parse(text)
        lines = sdp.splitlines()
        return _reduce(description, text, _with_feedback(lines, "nack"), _with_feedback(lines, "goog-remb"))
    except BadOffer:
        raise
    except Exception as error:  # aiortc documents no exceptions here and raises at least seven types
        raise BadOffer(f"The offer is not SDP that can be answered ({type(error).__name__}).") from error


def _checked_text(sdp: str) -> str:
    if len(sdp) > MAX_OFFER_BYTES or len(sdp.encode("utf-8", "surrogatepass")) > MAX_OFFER_BYTES:
        raise BadOffer(f"The offer is longer than {MAX_OFFER_BYTES} bytes.")
    if not sdp.startswith("v=0"):
        raise BadOffer("The offer is not SDP: it does not start with v=0.")
    if not sdp.isascii():
        raise BadOffer("The offer has characters outside ASCII.")
    lines = sdp.splitlines()  # as aiortc's parser does, for which a lone CR or a form feed ends a line, too
    starts = [position for position, line in enumerate(lines) if line.startswith("m=")]
    if len(starts) > MAX_MEDIA:
        raise BadOffer(f"The offer has more than {MAX_MEDIA} media sections.")
    if len(lines) > MAX_LINES:
        raise BadOffer(f"The offer has more than {MAX_LINES} lines.")
    if any(end - start > MAX_SECTION_LINES for start, end in pairwise((*starts, len(lines)))):
        raise BadOffer(f"The offer has a media section of more than {MAX_SECTION_LINES} lines.")
    if any(len(line) > MAX_LINE_BYTES for line in lines):
        raise BadOffer(f"The offer has a line of more than {MAX_LINE_BYTES} bytes.")
    if not all(map(str.isprintable, lines)):
        raise BadOffer("The offer has control characters.")
    return "\r\n".join(_readable(line) for line in lines if not line.startswith(_UNREAD))


def _readable(line: str) -> str:
    """Without the attributes of an extension (RFC 8285, section 5; `vad=on` in RFC 6464), which aiortc cannot read."""
    return " ".join(line.split()[:2]) if line.startswith("a=extmap:") else line


def _with_feedback(lines: Iterable[str], wanted: str) -> list[set[str]]:
    """For every m-section the formats with `a=rtcp-fb:<format> <wanted>`; `*` is all (RFC 4585, section 4.2)."""
    sections: list[set[str]] = []
    for line in lines:
        if line.startswith("m="):
            sections.append(set())
        elif line.startswith("a=rtcp-fb:") and sections:
            fmt, _, feedback = line.removeprefix("a=rtcp-fb:").partition(" ")
            if feedback.strip() == wanted:
                sections[-1].add(fmt)
    return sections


def _reduce(description: SessionDescription, text: str, nacks: list[set[str]], rembs: list[set[str]]) -> SessionOffer:
    if not description.media:
        raise BadOffer("The offer has no media section.")
    bundled = _bundle(description)
    first = next((m for m in description.media if m.rtp.muxId == bundled[0]), None)
    if first is None:
        raise BadOffer("The BUNDLE group names a section that the offer does not have.")
    if first.dtls is None or not first.dtls.fingerprints:
        raise BadOffer("The offer has no DTLS fingerprint or role; only DTLS-SRTP is accepted.")
    ice = first.ice
    if ice is None or not ice.usernameFragment or not ice.password:
        raise BadOffer("The offer has no ICE credentials.")
    # aiortc knows nothing of RIDs
    sections = [section.split("\r\n") for section in text.split("\r\nm=")[1:]]
    found = zip(description.media, nacks, rembs, sections, strict=True)
    media = tuple(_media(section, nack, remb, lines) for section, nack, remb, lines in found)
    if len({m.mid for m in media}) != len(media):
        raise BadOffer("Two sections of the offer have the same mid.")
    for section in media:
        if section.accepted and section.mid not in bundled:
            raise BadOffer(f"Section {section.mid!r} is not in the BUNDLE group; one transport carries everything.")
    if sum(m.kind == "application" for m in media) > 1:
        raise BadOffer("The offer has more than one data channel section.")
    sctp_port, max_message_size = _data_channel(description)
    return SessionOffer(
        media=media,
        ice_ufrag=ice.usernameFragment,
        ice_pwd=ice.password,
        dtls=first.dtls,
        sctp_port=sctp_port,
        max_message_size=max_message_size,
        has_bundle=any(group.semantic == "BUNDLE" for group in description.group),
    )


def _data_channel(description: SessionDescription) -> tuple[int | None, int]:
    """SCTP port and largest message, with the defaults of RFC 8841; the port is None without a data channel."""
    application = next((m for m in description.media if m.kind == "application"), None)
    if application is None:
        return None, _MAX_MESSAGE_SIZE
    port = _SCTP_PORT if application.sctp_port is None else application.sctp_port
    if not 0 < port < 1 << 16:
        raise BadOffer("The SCTP port of the offer is not between 1 and 65535.")
    capabilities = application.sctpCapabilities
    size = _MAX_MESSAGE_SIZE if capabilities is None else capabilities.maxMessageSize
    if size < 0:
        raise BadOffer("The largest message size of the offer is negative.")
    return port, size


def _bundle(description: SessionDescription) -> list[str]:
    for group in description.group:
        if group.semantic == "BUNDLE" and group.items:
            return [str(item) for item in group.items]
    if len(description.media) == 1:  # GStreamer has no group then
        return [description.media[0].rtp.muxId]
    raise BadOffer("The offer does not bundle its media (RFC 8843).")


def _media(section: MediaDescription, nack: set[str], remb: set[str], lines: Sequence[str]) -> OfferedMedia:
    if not section.rtp.muxId or len(section.rtp.muxId) > 16 or not section.rtp.muxId.isprintable():
        raise BadOffer("A section of the offer has no usable mid.")
    if section.kind == "application" and section.profile not in ("UDP/DTLS/SCTP", "DTLS/SCTP"):
        raise BadOffer("The data channel section is not UDP/DTLS/SCTP.")
    repairs = {
        int(ssrc): int(group.items[0])
        for group in section.ssrc_group
        if group.semantic == "FID"
        for ssrc in group.items[1:]
    }
    return OfferedMedia(
        mid=section.rtp.muxId,
        kind=section.kind,
        protocol=section.profile,
        formats=tuple(str(fmt) for fmt in section.fmt),
        direction=section.direction or "sendrecv",
        codecs=_codecs(section, nack, remb),
        extensions={e.uri: e.id for e in section.rtp.headerExtensions if 0 < e.id < 256},
        ssrcs=tuple(s.ssrc for s in section.ssrc if s.ssrc not in repairs),
        repairs=repairs,
        rids=sent_rids(lines) if section.kind == "video" else (),
    )


def _codecs(section: MediaDescription, nack: set[str], remb: set[str]) -> tuple[Codec, ...]:
    if section.kind not in ("audio", "video"):
        return ()
    rtx_of: dict[int, int] = {}
    for codec in section.rtp.codecs:
        apt = codec.parameters.get("apt")
        number = codec.payloadType
        if codec.name.lower() == RTX and isinstance(apt, int) and number is not None and 0 <= number < 128:
            rtx_of[apt] = number
    offered = (
        Codec(
            name=codec.name.lower(),
            clock_rate=codec.clockRate,
            channels=codec.channels,
            payload_type=codec.payloadType,
            parameters={k: "" if v is None else str(v) for k, v in codec.parameters.items()},
            rtx_payload_type=rtx_of.get(codec.payloadType),
            nack=not nack.isdisjoint(("*", str(codec.payloadType))),
            remb=not remb.isdisjoint(("*", str(codec.payloadType))),
        )
        for codec in section.rtp.codecs
        if codec.payloadType is not None
        and 0 <= codec.payloadType < 128
        and codec.clockRate == _CLOCK_RATES[section.kind]
    )
    return tuple(codec for codec in offered if is_forwarded(section.kind, codec))
