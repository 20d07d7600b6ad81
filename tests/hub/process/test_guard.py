"""Which requests the guard lets pass: tables of lookalikes (FAULTS 21, 22, 23)."""

from __future__ import annotations

from collections import Counter

import pytest

from zego_widget.hub.guard import carries_secret, guard, is_own_host, is_own_origin, own_hosts

PORT = 8123
HOSTS = own_hosts("127.0.0.1", PORT)
SECRET = "s3cret-" * 6

OWN_HOSTS = ["127.0.0.1:8123", "localhost:8123", "[::1]:8123"]
FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:8123",
    "localhost",
    "localhost:8124",
    "localhost:08123",
    "localhost:8123.evil.example",
    "localhost.evil.example:8123",
    "localhost.:8123",
    "LOCALHOST:8123",
    "127.0.0.1.:8123",
    "127.0.0.1.nip.io:8123",
    "127.1:8123",
    "2130706433:8123",
    "0x7f.0.0.1:8123",
    "0.0.0.0:8123",
    "::1:8123",
    "[::ffff:127.0.0.1]:8123",
    "localhost:8123, evil.example",
    "evil.example@localhost:8123",
    "localhost:8123/",
    " localhost:8123",
    "\u006c\u043ecalhost:8123",
    "",
]
FOREIGN_ORIGINS = [
    "null",
    "",
    "http://evil.example",
    "https://localhost:8123",
    "http://localhost",
    "http://localhost:8888",
    "http://localhost.evil.com",
    "http://localhost.evil.com:8123",
    "http://localhost:8123.evil",
    "http://localhost:8888.evil",
    "http://LOCALHOST:8123",
    "HTTP://localhost:8123",
    "http://localhost.:8123",
    "http://localhost:8123/",
    "http://localhost:8123 http://evil.example",
    "http://evil.example@localhost:8123",
    "http://http://localhost:8123",
    "ws://localhost:8123",
    "file://",
    "localhost:8123",
    "//localhost:8123",
]
FOREIGN_AUTHORIZATIONS = [
    [],
    [""],
    ["Bearer"],
    ["Bearer "],
    [SECRET],
    [f"Basic {SECRET}"],
    [f"Bearer  {SECRET}"],
    [f"Bearer {SECRET} "],
    [f"Bearer {SECRET[:-1]}"],
    [f"Bearer {SECRET}x"],
    [f"Bearer {SECRET.upper()}"],
    [f"Bearer {SECRET}", f"Bearer {SECRET}"],
    ["Bearer \udcff\udcfe"],
    ["Bearer " + "x" * 8000],
]


@pytest.mark.parametrize("host", OWN_HOSTS)
def test_own_hosts_pass(host: str) -> None:
    assert is_own_host([host], HOSTS)


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_foreign_hosts_do_not(host: str) -> None:
    assert not is_own_host([host], HOSTS)


def test_a_request_names_exactly_one_host() -> None:
    assert not is_own_host([], HOSTS)
    assert not is_own_host(["localhost:8123", "localhost:8123"], HOSTS)


@pytest.mark.parametrize("host", OWN_HOSTS)
def test_own_origins_pass(host: str) -> None:
    assert is_own_origin([f"http://{host}"], HOSTS)


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_foreign_origins_do_not(origin: str) -> None:
    assert not is_own_origin([origin], HOSTS)


def test_a_request_has_no_origin_or_exactly_one() -> None:
    assert is_own_origin([], HOSTS)
    assert not is_own_origin(["http://localhost:8123", "http://localhost:8123"], HOSTS)


def test_a_configured_host_is_ours_in_lower_case_as_browsers_send_it() -> None:
    assert is_own_host(["hub.lab.example:8123"], own_hosts("Hub.Lab.example", PORT))


def test_where_the_hub_listens_on_all_addresses_the_one_in_use_counts() -> None:
    hosts = own_hosts("0.0.0.0", PORT, "192.0.2.7")
    assert is_own_host(["192.0.2.7:8123"], hosts)
    assert not is_own_host(["192.0.2.8:8123"], hosts)
    assert not is_own_host(["0.0.0.0:8123"], hosts)
    assert is_own_host(["192.0.2.7:8123"], own_hosts("::", PORT, "::ffff:192.0.2.7"))
    assert is_own_host(["[2001:db8::7]:8123"], own_hosts("::", PORT, "2001:db8::7"))


def test_port_80_may_be_left_out() -> None:
    assert is_own_host(["localhost"], own_hosts("127.0.0.1", 80))
    assert is_own_host(["[::1]"], own_hosts("127.0.0.1", 80))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_secret_passes(scheme: str) -> None:
    assert carries_secret([f"{scheme} {SECRET}"], SECRET)


@pytest.mark.parametrize("values", FOREIGN_AUTHORIZATIONS)
def test_anything_but_the_secret_does_not(values: list[str]) -> None:
    assert not carries_secret(values, SECRET)


def test_a_secret_of_less_than_192_bits_is_not_accepted_as_one() -> None:
    with pytest.raises(ValueError, match="192 bits"):
        guard("127.0.0.1", PORT, "x" * 31, Counter(), lambda request: None)
