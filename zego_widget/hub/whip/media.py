"""What the offer of a WHIP or WHEP client wants: sections that send, sections that receive."""

from __future__ import annotations

from collections.abc import Iterable

from ...forwarder.offer import OfferedMedia, SessionOffer, parse_offer
from ...model import RemoteDeviceState
from ...protocol import SendSlots
from .problem import Problem

_DIRECTIONS = ("a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive")
_KINDS = ("audio", "video")
_SLOTS = {"audio": "microphone", "video": "camera"}
_TAKEN = "The hub forwards Opus, VP8 and H.264 (packetization-mode=1)"


class Publishing:
    """An offer that sends at most one audio and one video track (RFC 9725, section 4.2).

    Raises `BadOffer` and `Problem`.
    """

    def __init__(self, sdp: str) -> None:
        offer = parse_offer(sdp)
        sections = _sections(offer)
        if any(section.direction == "recvonly" for section in sections):
            raise Problem(422, "An offer that publishes has no section that only receives.")
        for kind in _KINDS:
            if sum(section.kind == kind for section in sections) > 1:
                raise Problem(422, f"A publication has one {kind} track at most; offer a single one.")
        for section in sections:
            if not section.accepted:
                raise Problem(406, f"{_TAKEN}; the offer has none of them for {section.kind}.")
        mids = {_SLOTS[section.kind]: section.mid for section in sections}
        self.sdp = sdp
        self.ice_ufrag = offer.ice_ufrag
        self.send_slots = SendSlots(**mids)
        self.microphone = _device("microphone" in mids)
        self.camera = _device("camera" in mids)


class Playing:
    """An offer that receives audio, video or both; raises `BadOffer`, `Problem`.

    A section that could send as well is made one that only receives: the answer, `sendonly`, fits either.
    """

    def __init__(self, sdp: str) -> None:
        offer = parse_offer(sdp)
        sections = _sections(offer)
        if any(section.direction == "sendonly" for section in sections):
            raise Problem(422, "An offer that plays has no section that only sends.")
        self.sdp = _receiving(sdp) if any(section.direction != "recvonly" for section in sections) else sdp
        self.ice_ufrag = offer.ice_ufrag
        self.codecs = {(section.kind, codec.key) for section in sections for codec in section.codecs}
        self.kinds = {section.kind for section in sections}

    def check(self, kind: str, keys: Iterable[str]) -> None:
        """Raise `Problem` if this kind is asked for, but not in a codec that could come (`keys`)."""
        if kind in self.kinds and not any((kind, key) in self.codecs for key in keys):
            raise Problem(406, f"The offer has no {kind} codec in which this stream is sent. {_TAKEN}.")


def trickled_ufrag(fragment: str) -> str | None:
    """The ICE username fragment that a `trickle-ice-sdpfrag` is about (RFC 8840, section 9)."""
    prefix = "a=ice-ufrag:"
    return next((line.removeprefix(prefix) for line in fragment.splitlines() if line.startswith(prefix)), None)


def _sections(offer: SessionOffer) -> list[OfferedMedia]:
    sections = [section for section in offer.media if section.kind in _KINDS and section.direction != "inactive"]
    if not sections:
        raise Problem(422, "The offer has neither audio nor video.")
    return sections


def _device(offered: bool) -> RemoteDeviceState:
    return RemoteDeviceState.OPEN if offered else RemoteDeviceState.NOT_SUPPORT


def _receiving(sdp: str) -> str:
    """The offer with every active audio and video section `recvonly`."""
    head, *sections = _split(sdp.splitlines())
    lines = [line for line in head if line not in _DIRECTIONS]
    for section in sections:
        rest = [line for line in section if line not in _DIRECTIONS]
        direction = "a=inactive" if "a=inactive" in section else "a=recvonly"
        lines += [*rest, direction] if section[0].startswith(("m=audio", "m=video")) else section
    return "\r\n".join(lines) + "\r\n"


def _split(lines: list[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("m="):
            parts.append([])
        parts[-1].append(line)
    return parts
