"""Who may speak to the hub over HTTP: Host, Origin and secret, checked before anything else looks at a request.

A page of a foreign site can reach a loopback port through the user's browser, under its own name (Origin) or,
after DNS rebinding, under a host name that now points at loopback (Host). Other users of the machine can reach
the port as well. So a request is answered only if it names this hub in exactly the spelling the hub gave out,
and everything under `/v1/` only if it carries the secret from the user's private file. `/whip/` and `/whep/` are for
programs and pages of anybody who has a token: it comes with every request, never by itself as a cookie does, so
there the Origin says nothing.
"""

from __future__ import annotations

import hmac
import json
from collections import Counter
from collections.abc import Callable, Sequence

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from ..errors import ErrorCode

MIN_SECRET_CHARACTERS = 32
"""Of the base64 alphabet: 192 bits."""

_WILDCARDS = ("0.0.0.0", "::", "")
_BY_TOKEN = ("/whip/", "/whep/")


def host_with_port(host: str, port: int) -> str:
    """`host:port` as a Host header spells it (RFC 9110 section 7.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def own_hosts(host: str, port: int, local_address: str | None = None) -> frozenset[str]:
    """Every Host header that means this hub.

    `local_address` is the address the connection came in on: a name can be made to point anywhere, an address can not.
    """
    names = {"127.0.0.1", "localhost", "::1"}
    if host not in _WILDCARDS:
        names.add(host.lower())
    if local_address is not None:
        names.add(local_address.removeprefix("::ffff:"))  # IPv4 on an IPv6 socket
    hosts = {host_with_port(name, port) for name in names}
    if port == 80:
        hosts |= {each.removesuffix(":80") for each in hosts}
    return frozenset(hosts)


def is_own_host(values: Sequence[str], hosts: frozenset[str]) -> bool:
    """Whether the Host headers of a request are exactly one, and one of `hosts`."""
    return len(values) == 1 and values[0] in hosts


def is_own_origin(values: Sequence[str], hosts: frozenset[str]) -> bool:
    """Whether a request has no Origin header (it comes from no web page) or exactly one of our own."""
    if not values:
        return True
    return len(values) == 1 and values[0].removeprefix("http://") in hosts and values[0].startswith("http://")


def carries_secret(values: Sequence[str], secret: str) -> bool:
    """Whether the Authorization headers are exactly one `Bearer` with `secret`; takes the same time either way."""
    value = values[0] if len(values) == 1 else ""
    scheme, _, given = value.partition(" ")
    # Surrogates stand for bytes that were not UTF-8; they only have to compare as different.
    same = hmac.compare_digest(given.encode("utf-8", "surrogateescape"), secret.encode())
    return same and scheme.lower() == "bearer"


def refusal(status: int, code: ErrorCode, message: str) -> web.Response:
    """An answer that says no, the same for everyone, and ends the connection."""
    response = web.Response(
        status=status,
        text=json.dumps({"code": int(code), "message": message}),
        content_type="application/json",
        headers={hdrs.WWW_AUTHENTICATE: "Bearer"} if status == 401 else None,
    )
    response.force_close()
    return response


def guard(host: str, port: int, secret: str, refused: Counter[str], admit: Callable[[web.Request], None]) -> Middleware:
    """The middleware that lets requests pass; counts in `refused`, calls `admit` for those with the secret."""
    if len(secret) < MIN_SECRET_CHARACTERS:
        raise ValueError("The secret is shorter than 192 bits.")

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        hosts = own_hosts(host, port, _local_address(request))
        # A request line may name a host as well (RFC 9112 section 3.2.2); we are nobody's proxy.
        if not request.raw_path.startswith("/") or not is_own_host(request.headers.getall(hdrs.HOST, []), hosts):
            refused["refused_host"] += 1
            return refusal(421, ErrorCode.HUB_UNAUTHORIZED, "This hub does not go by that name.")
        if request.raw_path.startswith(_BY_TOKEN):
            return await handler(request)
        if not is_own_origin(request.headers.getall(hdrs.ORIGIN, []), hosts):
            refused["refused_origin"] += 1
            return refusal(403, ErrorCode.HUB_UNAUTHORIZED, "This hub does not serve pages of other sites.")
        if request.path.startswith("/v1/"):
            if not carries_secret(request.headers.getall(hdrs.AUTHORIZATION, []), secret):
                refused["refused_secret"] += 1
                return refusal(401, ErrorCode.HUB_UNAUTHORIZED, "This hub asks for its secret.")
            admit(request)
        return await handler(request)

    return check


def _local_address(request: web.Request) -> str | None:
    transport = request.transport
    name = transport.get_extra_info("sockname") if transport is not None else None
    return str(name[0]) if isinstance(name, tuple) else None
