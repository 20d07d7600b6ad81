"""The devices of a browser: which there are, and what is told when that changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from .. import protocol
from ..errors import ErrorCode, ZegoError
from ..model import RemoteDeviceState, UpdateType

Kind = Literal["camera", "microphone", "speaker"]


class AudioDeviceType(IntEnum):
    """Microphones or speakers (ZegoAudioDeviceType)."""

    INPUT = 0
    OUTPUT = 1


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A camera, microphone or speaker of the browser (ZegoDeviceInfo)."""

    device_id: str
    device_name: str


AUDIO_KINDS: dict[AudioDeviceType, Kind] = {AudioDeviceType.INPUT: "microphone", AudioDeviceType.OUTPUT: "speaker"}

# States that tell of a device that failed, not of what the user did with it.
FAILURES = {
    RemoteDeviceState.GENERIC_ERROR: ErrorCode.DEVICE_ERROR_TYPE_GENERIC,
    RemoteDeviceState.NO_AUTHORIZATION: ErrorCode.DEVICE_ERROR_TYPE_NO_AUTHORIZATION,
    RemoteDeviceState.IN_USE_BY_OTHER: ErrorCode.DEVICE_ERROR_TYPE_IN_USE_BY_OTHER,
    RemoteDeviceState.UNPLUGGED: ErrorCode.DEVICE_ERROR_TYPE_UNPLUGGED,
    RemoteDeviceState.NOT_SUPPORT: ErrorCode.DEVICE_ERROR_TYPE_GENERIC,
}


class Devices:
    """The list of a browser; a browser names no device before its use was allowed once."""

    def __init__(self) -> None:
        self._told: tuple[protocol.PageDevice, ...] = ()
        self._known = False

    def of(self, kind: Kind) -> list[DeviceInfo]:
        """The devices of one kind that can be chosen."""
        return [DeviceInfo(each.device_id, each.device_name) for each in self._told if _usable(each, kind)]

    def check(self, kind: Kind, device_id: str) -> None:
        """Raise `ZegoError` (1006002) if there is no such device; the empty ID is the browser's choice."""
        if device_id and device_id not in {each.device_id for each in self.of(kind)}:
            names = ", ".join(repr(each.device_name) for each in self.of(kind)) or "none"
            sentence = f"There is no {kind} of that ID; there are {names}."
            raise ZegoError(sentence, ErrorCode.DEVICE_ERROR_TYPE_INVALID_ID)

    def take(self, told: Sequence[protocol.PageDevice]) -> Iterator[tuple[Kind, UpdateType, DeviceInfo]]:
        """A new list; gives what was plugged in and out. The first list and the first names are no news."""
        before, self._told = self._told, tuple(told)
        known, self._known = self._known, True
        kinds: tuple[Kind, ...] = ("camera", "microphone", "speaker")
        for kind in kinds:
            if not known or any(each.kind == kind and not each.device_id for each in before):
                continue
            old = {each.device_id: each for each in before if _usable(each, kind)}
            new = {each.device_id: each for each in self._told if _usable(each, kind)}
            for update, here, there in ((UpdateType.DELETE, old, new), (UpdateType.ADD, new, old)):
                for device_id, each in here.items():
                    if device_id not in there:
                        yield kind, update, DeviceInfo(device_id, each.device_name)


def _usable(device: protocol.PageDevice, kind: Kind) -> bool:
    return device.kind == kind and bool(device.device_id)
