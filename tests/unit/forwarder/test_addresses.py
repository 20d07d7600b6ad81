"""What `--public-address` may say, and what peers are told."""

from __future__ import annotations

import pytest

from zego_widget.errors import InvalidArgument
from zego_widget.forwarder.addresses import advertised, public_address


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("203.0.113.7", ("203.0.113.7", None)),
        ("203.0.113.7:5000", ("203.0.113.7", 5000)),
        ("2001:db8::7", ("2001:db8::7", None)),
        ("[2001:db8::7]", ("2001:db8::7", None)),
        ("[2001:DB8::7]:65535", ("2001:db8::7", 65535)),
    ],
)
def test_an_address_has_a_port_or_not(text: str, meant: tuple[str, int | None]) -> None:
    assert public_address(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        *("", "example.org", "203.0.113.7:", "203.0.113.7:0", "203.0.113.7:65536", "203.0.113.7:-1", "203.0.113.7:x"),
        *("[203.0.113.7]", "[2001:db8::7", "[2001:db8::7]5", "[2001:db8::7]:", "0.0.0.0", "::", ":5000", "1.2.3.4\r\n"),
        *("203.0.113.7:٣", "203.0.113.7 udp 1 typ host"),
    ],
)
def test_what_is_no_address_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(InvalidArgument, match="is no address to tell browsers"):
        public_address(text)


def test_public_addresses_come_instead_of_the_bound_one_each_once() -> None:
    public = [public_address(text) for text in ("203.0.113.7", "127.0.0.1:9", "203.0.113.7:4000")]
    assert advertised("0.0.0.0", 4000, public) == (("203.0.113.7", 4000), ("127.0.0.1", 9))


def test_a_bound_address_is_told_as_it_is() -> None:
    assert advertised("127.0.0.1", 4000, ()) == (("127.0.0.1", 4000),)
    assert advertised("::1", 4000, ()) == (("::1", 4000),)


@pytest.mark.parametrize(("host", "loopback"), [("0.0.0.0", "127.0.0.1"), ("::", "::1")])
def test_where_every_address_is_bound_loopback_is_among_those_told(host: str, loopback: str) -> None:
    addresses = advertised(host, 4000, ())
    assert addresses[0] == (loopback, 4000)
    assert all(address not in ("0.0.0.0", "::") and port == 4000 for address, port in addresses)
