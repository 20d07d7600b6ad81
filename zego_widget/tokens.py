"""token04: signed by whoever holds an app's server secret, verified by the hub (ZEGO.md, section 4).

    "04" + base64( expire:int64 | iv length:uint16 | iv | ciphertext length:uint16 | ciphertext [ | mode:uint8 ] )

Without a mode, or with 0, it is AES-CBC with PKCS #7 padding; mode 1 is AES-GCM, its tag at the end of the
ciphertext. Integers are big-endian. The plaintext is a JSON object of app_id, user_id, nonce, ctime, expire and
payload.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import struct
import time
from dataclasses import dataclass
from typing import Any, TypeGuard

import msgspec

from .errors import ErrorCode, InvalidArgument, ZegoError

MAX_APP_ID = 2**32 - 1
MAX_USER_ID_BYTES = 64
SECRET_CHARACTERS = 32
MAX_TOKEN_CHARACTERS = 8192

_VERSION = "04"
_CBC, _GCM = 0, 1
_BLOCK = 16
_GCM_NONCE = 12
_GCM_TAG = 16
_LOGIN, _PUBLISH = "1", "2"


class TokenError(ZegoError):
    """A token that does not let in; `code` says why, as ZEGO's 1002033 and 1002067 to 1002080 do."""

    default_code = ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED


@dataclass(frozen=True, slots=True)
class Privileges:
    """What a token is limited to: one room, and there to logging in, publishing, or neither."""

    room_id: str
    may_login: bool
    may_publish: bool
    stream_ids: frozenset[str] | None = None
    """What may be published; None is anything."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a verified token says; times are seconds since 1970."""

    app_id: int
    user_id: str
    nonce: int
    created_at: int
    expires_at: int
    payload: str
    privileges: Privileges | None
    """None is a token that proves who someone is and limits nothing."""


def sign(
    app_id: int, user_id: str, server_secret: str, lifetime: int, payload: str = "", *, now: float | None = None
) -> str:
    """A token for a user that ends `lifetime` seconds after `now`; AES-GCM (ZEGO generateToken04).

    `server_secret` are the app's 32 characters, `payload` is empty or comes from `privilege_payload`, `now` is
    seconds since 1970. Raises `InvalidArgument`.
    """
    key = _key(server_secret)
    if not _is_integer(app_id) or not 0 < app_id <= MAX_APP_ID:
        raise InvalidArgument(f"An app ID is a number from 1 to {MAX_APP_ID}.", ErrorCode.ENGINE_APPID_ZERO)
    if not isinstance(user_id, str) or not user_id:
        raise InvalidArgument("The user ID is empty.", ErrorCode.ROOM_USER_ID_NULL)
    if len(user_id.encode("utf-8", "surrogatepass")) > MAX_USER_ID_BYTES:
        raise InvalidArgument(f"A user ID has at most {MAX_USER_ID_BYTES} bytes.", ErrorCode.ROOM_USER_ID_TOO_LONG)
    if not _is_integer(lifetime) or lifetime <= 0:
        raise InvalidArgument("The lifetime of a token is a whole number of seconds above 0.")
    if not isinstance(payload, str):
        raise InvalidArgument("The payload of a token is text.")
    created_at = int(time.time() if now is None else now)
    expires_at = created_at + lifetime
    fields = {
        "app_id": app_id,
        "user_id": user_id,
        "nonce": secrets.randbelow(2**31),
        "ctime": created_at,
        "expire": expires_at,
        "payload": payload,
    }
    try:
        plaintext = msgspec.json.encode(fields)
        expiry = struct.pack(">q", expires_at)
    except (ValueError, TypeError, OverflowError, struct.error) as error:
        raise InvalidArgument(f"This cannot be said in a token: {error}.") from None
    nonce = secrets.token_bytes(_GCM_NONCE)
    token = _envelope(expiry, nonce, _gcm(key).encrypt(nonce, plaintext, None), bytes([_GCM]))
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise InvalidArgument(f"The token has {len(token)} characters; at most {MAX_TOKEN_CHARACTERS} are allowed.")
    return token


def privilege_payload(
    room_id: str, *, login: bool = True, publish: bool = False, stream_ids: list[str] | None = None
) -> str:
    """The payload of a token for one room; `stream_ids` None allows any stream to be published."""
    privilege = {_LOGIN: int(login), _PUBLISH: int(publish)}
    return msgspec.json.encode({"room_id": room_id, "privilege": privilege, "stream_id_list": stream_ids}).decode()


def verify(token: str, app_id: int, server_secret: str, user_id: str | None, now: float | None = None) -> Token:
    """What a token says, if it is this app's, this user's and still good at `now` (seconds since 1970).

    `user_id` None asks whose it is. Raises `TokenError` for a bad token whatever it is made of, `InvalidArgument` for
    a secret that is none.
    A CBC token carries no tag: nothing tells a changed one from one signed with another secret, so everything that
    is wrong inside its ciphertext is one error, found in one way. Otherwise, who tried often enough could forge one.
    """
    key = _key(server_secret)
    if not token:
        raise TokenError("There is no token.", ErrorCode.ROOM_NO_TOKEN)
    if not isinstance(token, str) or token[:2] != _VERSION:
        raise TokenError("The token is not of version 04.", ErrorCode.ROOM_TOKEN_VERSION_ERROR)
    sealed = _open_envelope(token)
    said = _said_in_gcm(key, sealed) if sealed.mode == _GCM else _said_in_cbc(key, sealed)
    return _judge(said, sealed.expires_at, app_id, user_id, time.time() if now is None else now)


# -- the envelope --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sealed:
    expires_at: int
    iv: bytes
    ciphertext: bytes
    mode: int


def _envelope(expiry: bytes, iv: bytes, ciphertext: bytes, mode: bytes) -> str:
    sized = struct.pack(">H", len(iv)) + iv + struct.pack(">H", len(ciphertext)) + ciphertext
    return _VERSION + base64.b64encode(expiry + sized + mode).decode("ascii")


def _open_envelope(token: str) -> _Sealed:
    malformed = TokenError("The token is not well formed.", ErrorCode.ROOM_TOKEN_FORMAT_ERROR)
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise malformed
    try:
        text = token[2:].encode("ascii")
        data = base64.b64decode(text, validate=True)
        (expires_at,) = struct.unpack_from(">q", data)
        iv, rest = _sized(data[8:])
        ciphertext, mode = _sized(rest)
    except (ValueError, struct.error):
        raise malformed from None
    # One spelling each: a token that was changed in any bit is another token.
    if len(mode) > 1 or base64.b64encode(data) != text:
        raise malformed
    sealed = _Sealed(expires_at, iv, ciphertext, mode[0] if mode else _CBC)
    if not _fits_its_mode(sealed):
        raise malformed
    return sealed


def _sized(data: bytes) -> tuple[bytes, bytes]:
    """A length, as many bytes, and the rest."""
    (size,) = struct.unpack_from(">H", data)
    end = 2 + size
    if end > len(data):
        raise ValueError("shorter than it says")
    return data[2:end], data[end:]


def _fits_its_mode(sealed: _Sealed) -> bool:
    size = len(sealed.ciphertext)
    if sealed.mode == _CBC:
        return len(sealed.iv) == _BLOCK and size > 0 and size % _BLOCK == 0
    return sealed.mode == _GCM and len(sealed.iv) == _GCM_NONCE and size > _GCM_TAG


# -- the ciphertext ------------------------------------------------------------------------------------------


def _key(server_secret: str) -> bytes:
    secret = server_secret.encode("utf-8", "surrogatepass") if isinstance(server_secret, str) else b""
    if len(secret) != SECRET_CHARACTERS or not secret.isascii():
        raise InvalidArgument(f"A server secret has {SECRET_CHARACTERS} ASCII characters.")
    return secret


def _gcm(key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # 20 ms that no import of ours has to wait for

    return AESGCM(key)


def _said_in_gcm(key: bytes, sealed: _Sealed) -> dict[str, Any]:
    from cryptography.exceptions import InvalidTag

    try:
        said = _parse(_gcm(key).decrypt(sealed.iv, sealed.ciphertext, None))
    except InvalidTag:
        raise _not_decrypted() from None
    if said is None:
        raise TokenError("The token holds no JSON object.", ErrorCode.ROOM_TOKEN_FORMAT_ERROR)
    return said


def _said_in_cbc(key: bytes, sealed: _Sealed) -> dict[str, Any]:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    decryptor = Cipher(algorithms.AES(key), modes.CBC(sealed.iv)).decryptor()
    padded = decryptor.update(sealed.ciphertext) + decryptor.finalize()
    # The padding is judged without leaving early, and the text is read before either is judged.
    count = min(max(padded[-1], 1), _BLOCK)
    well_padded = hmac.compare_digest(padded[-count:], bytes([padded[-1]]) * count)
    said = _parse(padded[:-count])
    if said is None or not well_padded:
        raise _not_decrypted()
    return said


def _not_decrypted() -> TokenError:
    return TokenError("The token cannot be decrypted: it was signed with another secret, or changed.")


# -- what it says --------------------------------------------------------------------------------------------


def _parse(plaintext: bytes) -> dict[str, Any] | None:
    try:
        said = msgspec.json.decode(plaintext)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _judge(said: dict[str, Any], outer_expiry: int, app_id: int, user_id: str | None, now: float) -> Token:
    theirs = said.get("app_id")
    if not _is_integer(theirs) or not 0 < theirs <= MAX_APP_ID or theirs != app_id:
        raise TokenError("The token is for another app.", ErrorCode.ROOM_TOKEN_APPID_ERROR)
    whose = said.get("user_id")
    if not isinstance(whose, str) or (user_id is not None and not _same_text(whose, user_id)):
        raise TokenError("The token is for another user.", ErrorCode.ROOM_TOKEN_USERID_ERROR)
    created_at, expires_at = said.get("ctime"), said.get("expire")
    if not _is_integer(expires_at):
        raise TokenError("The token does not say when it ends.", ErrorCode.ROOM_TOKEN_EXPIRE_ERROR)
    if not _is_integer(created_at) or expires_at != outer_expiry:
        raise TokenError("The times of the token do not agree.", ErrorCode.ROOM_TOKEN_FORMAT_ERROR)
    if expires_at < now:
        raise TokenError("The token has expired.", ErrorCode.ROOM_TOKEN_EXPIRE_ERROR)
    nonce = said.get("nonce")
    if not _is_integer(nonce) or not -(2**31) <= nonce < 2**31:
        raise TokenError("The nonce of the token is no 32 bit number.", ErrorCode.ROOM_TOKEN_NONCETYPE_ERROR)
    payload = said.get("payload", "")
    if not isinstance(payload, str):
        raise TokenError("The payload of the token is no text.", ErrorCode.ROOM_TOKEN_FORMAT_ERROR)
    return Token(app_id, whose, nonce, created_at, expires_at, payload, _privileges(payload))


class _Payload(msgspec.Struct):
    """The payload of a privilege token, as strictly as it was granted; what is not granted is denied."""

    room_id: str
    privilege: dict[str, int]
    stream_id_list: list[str] | None = None


_payload_decoder = msgspec.json.Decoder(_Payload)


def _privileges(payload: str) -> Privileges | None:
    if not payload:
        return None
    unreadable = TokenError("The payload of the token grants nothing readable.", ErrorCode.ROOM_TOKEN_FORMAT_ERROR)
    try:
        granted = _payload_decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise unreadable from None
    if not granted.room_id or not set(granted.privilege.values()) <= {0, 1}:
        raise unreadable
    return Privileges(
        granted.room_id,
        granted.privilege.get(_LOGIN) == 1,
        granted.privilege.get(_PUBLISH) == 1,
        frozenset(granted.stream_id_list) if granted.stream_id_list else None,
    )


def _same_text(a: str, b: str) -> bool:
    return hmac.compare_digest(a.encode("utf-8", "surrogatepass"), b.encode("utf-8", "surrogatepass"))


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


__all__ = ["Privileges", "Token", "TokenError", "privilege_payload", "sign", "verify"]
