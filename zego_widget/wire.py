"""Protocol messages as JSON: written, read and validated. What does not fit raises `MalformedMessage` only."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from .errors import ErrorCode, RemoteProtocolError
from .protocol import (
    MAX_MESSAGE_BYTES,
    UNIONS,
    ClientMessage,
    ControlMessage,
    HubMessage,
    KernelMessage,
    Message,
    PageMessage,
    RequestId,
    ViewMessage,
)

_encoder = msgspec.json.Encoder()
_client_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_hub_decoder: msgspec.json.Decoder[HubMessage] = msgspec.json.Decoder(HubMessage)
_page_decoder: msgspec.json.Decoder[PageMessage] = msgspec.json.Decoder(PageMessage)
_control_decoder: msgspec.json.Decoder[ControlMessage] = msgspec.json.Decoder(ControlMessage)


class _Envelope(msgspec.Struct):
    """What can be saved from a message that does not validate."""

    type: str = ""
    request_id: RequestId | None = None


_envelope_decoder = msgspec.json.Decoder(_Envelope)


class MalformedMessage(RemoteProtocolError):
    """A message that does not validate; `request_id` is that of the request, where it could be read."""

    def __init__(self, message: str, code: ErrorCode, request_id: RequestId | None) -> None:
        super().__init__(message, code)
        self.request_id = request_id


def encode(message: Message) -> str:
    """The JSON text of a message."""
    return _encoder.encode(message).decode()


def decode_client(data: str | bytes) -> ClientMessage:
    """Parse what a client sent over its link; raises `MalformedMessage`, nothing else."""
    return _decode(_client_decoder, data)


def decode_hub(data: str | bytes) -> HubMessage:
    """Parse what the hub sent over a link; raises `MalformedMessage`, nothing else."""
    return _decode(_hub_decoder, data)


def decode_page(data: str | bytes) -> PageMessage:
    """Parse what a page sent over `control`; raises `MalformedMessage`, nothing else."""
    return _decode(_page_decoder, data)


def decode_control(data: str | bytes) -> ControlMessage:
    """Parse what the hub sent over `control`; raises `MalformedMessage`, nothing else."""
    return _decode(_control_decoder, data)


def view_message(content: object) -> ViewMessage:
    """Validate the content of a widget custom message; raises `MalformedMessage`, nothing else."""
    try:
        message: ViewMessage = msgspec.convert(content, ViewMessage)
    except (msgspec.ValidationError, RecursionError, ValueError, TypeError) as error:
        raise MalformedMessage(_sentence(error), ErrorCode.PROTOCOL_MALFORMED_MESSAGE, None) from error
    return message


def to_comm(message: KernelMessage) -> dict[str, Any]:
    """A message as the JSON object that a widget custom message carries."""
    content: dict[str, Any] = msgspec.to_builtins(message)
    return content


T = TypeVar("T")


def _decode(decoder: msgspec.json.Decoder[T], data: str | bytes) -> T:
    size = len(data)
    if size > MAX_MESSAGE_BYTES:
        raise MalformedMessage(
            f"A message may have {MAX_MESSAGE_BYTES} bytes, this one has {size}.",
            ErrorCode.PROTOCOL_MALFORMED_MESSAGE,
            None,
        )
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise _malformed(data, error) from error


def _malformed(data: str | bytes, error: Exception) -> MalformedMessage:
    try:
        envelope = _envelope_decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        envelope = _Envelope()
    known = envelope.type in _known_types
    code = ErrorCode.PROTOCOL_MALFORMED_MESSAGE if known or not envelope.type else ErrorCode.PROTOCOL_UNKNOWN_MESSAGE
    return MalformedMessage(_sentence(error), code, envelope.request_id)


def _sentence(error: Exception) -> str:
    return f"The message does not fit the protocol: {str(error)[:200]}."


_known_types: frozenset[str] = frozenset(
    struct.__struct_config__.tag for union in UNIONS.values() for struct in union.__args__
)
