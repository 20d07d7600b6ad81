"""The HTTP side of WHIP and WHEP.

Every request but OPTIONS shows its token, and shows it first: who has none learns nothing, not even which streams there
are. A connection serves one request and then ends. It never leaves the doorstep, so that neither strangers nor users
can hold more connections here, or hold them longer, than `connection.Doorstep` lets them.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import hdrs, web

from ...errors import ErrorCode, Refused, ZegoError
from ..refusals import Refusals
from .media import trickled_ufrag
from .problem import Problem
from .resources import Resource, Resources

if TYPE_CHECKING:
    from ..apps import Bearer
    from ..hub import Hub

logger = logging.getLogger(__name__)

MAX_BODY = 256 * 1024
SDP = "application/sdp"
TRICKLE = "application/trickle-ice-sdpfrag"

_ENDPOINT = "/{protocol:whip|whep}/{room_id}/{stream_id}"
_RESOURCE = _ENDPOINT + "/{resource_id}"
_EXPOSED = "Location, ETag, Accept-Post, Accept-Patch, Retry-After, WWW-Authenticate"

_Handler = Callable[[web.Request], Awaitable[web.Response]]


class WhipServer:
    """Routes for one hub; counts requests without a good token in `refused`, waits `patience` s for a body."""

    def __init__(self, hub: Hub, refused: Counter[str], patience: float) -> None:
        self._hub = hub
        self._refused = refused
        self._body_timeout = patience / 2  # before the doorstep loses its patience with the whole connection
        self._resources = Resources(hub)
        at_endpoint = {"POST": self._begin, "GET": self._look, "HEAD": self._look}
        at_resource = {"DELETE": self._end, "PATCH": self._trickle, "GET": self._look_at, "HEAD": self._look_at}
        self.routes = [
            web.route("*", _ENDPOINT, _answering(at_endpoint, {"Accept-Post": SDP}, hub.refusals)),
            web.route("*", _RESOURCE, _answering(at_resource, {"Accept-Patch": TRICKLE}, hub.refusals)),
        ]

    # -- requests -------------------------------------------------------------------------------------------

    async def _begin(self, request: web.Request) -> web.Response:
        """POST to an endpoint (RFC 9725, section 4.2)."""
        bearer = self._bearer(request)
        accepted = request.headers.getall(hdrs.ACCEPT, ["*/*"])
        if not any(_accepts(value) for value in accepted):
            raise Problem(406, f"The answer is {SDP}, which this client does not accept.")
        sdp = await self._body(request, SDP)
        protocol, room_id, stream_id = (request.match_info[name] for name in ("protocol", "room_id", "stream_id"))
        begin = self._resources.publish if protocol == "whip" else self._resources.play
        resource, answer = begin(bearer, room_id, stream_id, sdp)
        path = "/".join(quote(name, safe="") for name in (protocol, room_id, stream_id, resource.resource_id))
        headers = {hdrs.LOCATION: f"/{path}", hdrs.ETAG: resource.etag, "Accept-Patch": TRICKLE}
        return web.Response(status=201, body=answer.encode(), content_type=SDP, headers=headers)

    async def _look(self, request: web.Request) -> web.Response:
        """GET of an endpoint: there is nothing to be seen (RFC 9725, section 4.1)."""
        self._bearer(request)
        return web.Response(status=204)

    async def _look_at(self, request: web.Request) -> web.Response:
        """GET of a resource, the same."""
        self._resource(request)
        return web.Response(status=204)

    async def _end(self, request: web.Request) -> web.Response:
        """DELETE of a resource (RFC 9725, section 4.2)."""
        self._resources.end(self._resource(request))
        return web.Response(status=200)

    async def _trickle(self, request: web.Request) -> web.Response:
        """PATCH of a resource (RFC 9725, section 4.3).

        The hub is ICE-lite: it has told all its candidates, and learns those of the client from its checks. So there
        is nothing to do for more of them, and ICE cannot be restarted: the client begins anew.
        """
        resource = self._resource(request)
        fragment = await self._body(request, TRICKLE)
        wanted = request.headers.get(hdrs.IF_MATCH)
        if wanted is None:
            raise Problem(428, "A PATCH names in If-Match the ETag of the answer.")
        ufrag = trickled_ufrag(fragment)
        if ufrag is None:
            raise Problem(400, "The fragment has no a=ice-ufrag line.")
        if ufrag != resource.ice_ufrag:
            raise Problem(422, "ICE cannot be restarted here; end this and begin anew with another POST.")
        if wanted.strip() not in (resource.etag, "*"):
            raise Problem(412, "This is not the ETag of the present ICE session.")
        return web.Response(status=204)

    # -- inside ---------------------------------------------------------------------------------------------

    def _token(self, request: web.Request) -> str:
        values = request.headers.getall(hdrs.AUTHORIZATION, [])
        scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
        if scheme.lower() != "bearer" or not token.isascii() or not token.strip():
            self._refused["refused_token"] += 1
            sentence = "Show a token: Authorization: Bearer <token04>."
            raise Problem.unauthorized(sentence, ErrorCode.ROOM_NO_TOKEN, shown=False)
        return token.strip()

    def _bearer(self, request: web.Request) -> Bearer:
        try:
            return self._hub.apps.bearer(self._token(request), self._hub.time_of_day())
        except Refused as error:
            self._refused["refused_token"] += 1
            raise Problem.unauthorized(error.message, error.code, shown=True) from None

    def _resource(self, request: web.Request) -> Resource:
        """The resource of a request, for its owner: whoever shows the token that began it, or another of that user."""
        resource = self._resources.find(request.match_info["resource_id"])
        if resource is not None and resource.was_begun_with(self._token(request)):
            return resource
        bearer = self._bearer(request)
        if resource is None:
            raise Problem(404, "There is no such resource; it has ended.")
        if not resource.belongs_to(bearer):
            raise Problem(403, "This resource belongs to another user.", ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED)
        return resource

    async def _body(self, request: web.Request, content_type: str) -> str:
        """The text of the body; at most `MAX_BODY` bytes, within `body_timeout` seconds."""
        if request.content_type != content_type or hdrs.CONTENT_TYPE not in request.headers:
            raise Problem(415, f"The body has to be {content_type}.")
        if hdrs.CONTENT_ENCODING in request.headers:
            raise Problem(415, "The body has to come as it is, without a Content-Encoding.")
        too_long = Problem(413, f"The body may have {MAX_BODY} bytes.")
        if (request.content_length or 0) > MAX_BODY:
            raise too_long
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_timeout):
                async for chunk in request.content.iter_any():
                    body += chunk
                    if len(body) > MAX_BODY:
                        raise too_long
        except TimeoutError:
            raise Problem(408, "The body did not come in time.") from None
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            raise Problem(400, "The body is not text.") from None


def _answering(handlers: Mapping[str, _Handler], hints: dict[str, str], refusals: Refusals) -> _Handler:
    """One handler for a path, with the headers that pages of other origins need (Fetch standard, CORS protocol)."""
    allowed = ", ".join([*handlers, "OPTIONS"])

    async def answer(request: web.Request) -> web.Response:
        try:
            if request.method == "OPTIONS":
                response = web.Response(status=204, headers=hints | {hdrs.ALLOW: allowed})
            elif request.method in handlers:
                response = await handlers[request.method](request)
            else:
                raise Problem(405, f"Allowed here: {allowed}.", headers={hdrs.ALLOW: allowed})
        except Problem as problem:
            response = problem.response()
        except ZegoError as error:
            response = Problem.of(error).response()
        if response.status >= 400:
            refusals.whip(response.status)
        if response.status == 415:
            response.headers.update(hints)
        response.headers[hdrs.CACHE_CONTROL] = "no-store"
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = "*"
        response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = _EXPOSED
        if request.method == "OPTIONS":
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = allowed
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = "Authorization, Content-Type, If-Match"
            response.headers[hdrs.ACCESS_CONTROL_MAX_AGE] = "3600"
        response.force_close()
        return response

    return answer


def _accepts(value: str) -> bool:
    ranges = {part.partition(";")[0].strip().lower() for part in value.split(",")}
    return not ranges.isdisjoint({SDP, "application/*", "*/*", ""})
