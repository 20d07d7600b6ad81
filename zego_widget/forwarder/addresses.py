"""Where peers are told to find the media port."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence

from ..errors import InvalidArgument
from .ice import Address

_PLAIN = re.compile(r"([^:]*)(?::([0-9]{1,5}))?")
_BRACKETED = re.compile(r"\[([^\]]*:[^\]]*)\](?::([0-9]{1,5}))?")
_ANYWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}  # for documentation (RFC 5737, RFC 3849)


def public_address(text: str) -> tuple[str, int | None]:
    """Address and port of `address`, `address:port` or `[address]:port`; raises `InvalidArgument`."""
    found = _BRACKETED.fullmatch(text) or _PLAIN.fullmatch(text)
    host, port = found.groups() if found else (text, None)  # IPv6 without a port
    try:
        address = ipaddress.ip_address(host)
        number = None if port is None else int(port)
        if address.is_unspecified or not (number is None or 0 < number < 65536):
            raise ValueError
    except ValueError:
        raise InvalidArgument(
            f"{text[:64]!a} is no address to tell browsers: give an IP address, or address:port."
        ) from None
    return str(address), number


def advertised(host: str, port: int, public: Sequence[tuple[str, int | None]]) -> tuple[Address, ...]:
    """What peers are told: the public addresses, else the one that is bound.

    Where all of the machine's are bound these are loopback and the one that is used towards others.
    """
    if public:
        return tuple(dict.fromkeys((address, number or port) for address, number in public))
    if not ipaddress.ip_address(host).is_unspecified:
        return ((host, port),)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    hosts = ["::1" if family == socket.AF_INET6 else "127.0.0.1"]
    if (own := _own_address(family)) is not None:
        hosts.append(own)
    return tuple(dict.fromkeys((each, port) for each in hosts))


def _own_address(family: socket.AddressFamily) -> str | None:
    """The address this machine has towards others; asks its routing table alone, nothing is sent."""
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((_ANYWHERE[family], 9))
        except OSError:
            return None
        return str(sock.getsockname()[0])
