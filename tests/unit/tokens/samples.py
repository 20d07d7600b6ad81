"""Tokens of ZEGO's own making (ZEGO.md, section 4.2), and what to put together others with."""

from __future__ import annotations

import base64
import json
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SECRET = "fa94dd0f974cf2e293728a526b028271"
CREATED_AT, EXPIRES_AT = 1700000000, 1700003600
NOW = 1700000001.0

CBC = (
    "04AAAAAGVT/xAAEDAxMjM0NTY3ODlhYmNkZWYAcPDOWcZeMCPxbh1dpHzCTREIwK2oIO5x78Qlcu9iUMPYkqBI5TvjB3JwCxC9+klE8/eu"
    "//t2uE7+o7gQ53yB/JkIFUA6xyD5rb5rd5NER5knvdDJH2auGOam8ZKJG5qT/1t+UUUnbL8ghIsUgkbwAAg="
)
CBC_WITH_PRIVILEGES = (
    "04AAAAAGVT/xAAEDAxMjM0NTY3ODlhYmNkZWYAwPDOWcZeMCPxbh1dpHzCTREIwK2oIO5x78Qlcu9iUMPYkqBI5TvjB3JwCxC9+klE8/eu"
    "//t2uE7+o7gQ53yB/JkIFUA6xyD5rb5rd5NER5knvdDJH2auGOam8ZKJG5qT/zUbhToeYpmVnxxC/ai6BZFTeGyDlSqVbyebr7acwl0S5+"
    "YW2sYI+Tkc2BZXSVRSaRSs19uXNuSTBSjb9SYm/CtiiErcKVsuqPaSqu5QYwYy6/TUk/rEhiFn3SJJUPGdkA=="
)
GCM = (
    "04AAAAAGVT/xAADAABAgMEBQYHCAkKCwBzlo4HRoGUdkuLbKIoOhbZY6YpcMaBTLWHRtiSNdXNuWkV2JYrMFwLwjjq6aFvxM5vMUW1ucoW"
    "pme7Vck+JCYUW5+rbF2LagnFZkRVec2ODtmU4F4kKEo7U2F+thJs5COIYlau+pkGhJGWuIAhD9RBltNqvwE="
)

FIELDS = {
    "app_id": 1,
    "user_id": "demo",
    "nonce": 123456789,
    "ctime": CREATED_AT,
    "expire": EXPIRES_AT,
    "payload": "",
}


def sealed(plaintext: bytes, *, mode: str = "gcm", secret: str = SECRET, expires_at: int = EXPIRES_AT) -> str:
    """A token around any plaintext, as someone who knows the secret could make it; `mode` is "gcm" or "cbc"."""
    key = secret.encode()
    if mode == "gcm":
        iv, tail = b"n" * 12, b"\x01"
        ciphertext = AESGCM(key).encrypt(iv, plaintext, None)
    else:
        iv, tail = b"0123456789abcdef", b""
        padding = 16 - len(plaintext) % 16
        encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
        ciphertext = encryptor.update(plaintext + bytes([padding]) * padding) + encryptor.finalize()
    return envelope(iv, ciphertext, tail, expires_at=expires_at)


def envelope(iv: bytes, ciphertext: bytes, tail: bytes, *, expires_at: int = EXPIRES_AT) -> str:
    """A token from its parts."""
    parts = struct.pack(">qH", expires_at, len(iv)) + iv + struct.pack(">H", len(ciphertext)) + ciphertext + tail
    return "04" + base64.b64encode(parts).decode()


def saying(mode: str = "gcm", **changes: object) -> str:
    """A well-sealed token whose fields differ from those of the samples; `...` leaves one out."""
    fields = {name: value for name, value in (FIELDS | changes).items() if value is not ...}
    return sealed(json.dumps(fields, separators=(",", ":")).encode(), mode=mode)
