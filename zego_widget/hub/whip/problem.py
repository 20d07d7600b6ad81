"""Answers that say no: the HTTP status for each refusal, with a problem body (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import hdrs, web

from ...errors import BadOffer, ErrorCode, ZegoError

RETRY_AFTER = "5"
"""Seconds after which it is worth to try again what could not be done now."""

_STATUS = {
    ErrorCode.COMMON_STREAM_ID_TOO_LONG: 404,
    ErrorCode.COMMON_STREAM_ID_NULL: 404,
    ErrorCode.COMMON_STREAM_ID_INVALID_CHARACTER: 404,
    ErrorCode.ROOM_ROOMID_NULL: 404,
    ErrorCode.ROOM_ROOMID_INVALID_CHARACTER: 404,
    ErrorCode.ROOM_ROOMID_TOO_LONG: 404,
    ErrorCode.ROOM_ERROR_AUTHENTICATION_FAILED: 403,
    ErrorCode.ROOM_RENEW_TOKEN_NO_PUBLISH_AUTH_ERROR: 403,
    ErrorCode.PUBLISHER_ERROR_DISPATCH_AUTH_ERROR: 403,
    ErrorCode.ROOM_COUNT_EXCEED: 409,
    ErrorCode.PUBLISHER_ERROR_ALREADY_DO_PUBLISH: 409,
    ErrorCode.PUBLISHER_ERROR_REPETITIVE_PUBLISH_STREAM: 409,
    ErrorCode.PLAYER_PLAY_STREAM_NOT_EXIST: 409,
    ErrorCode.MEDIA_TOO_MANY_PEERS: 429,
    ErrorCode.ROOM_APP_CALL_TOO_FREQUENT: 429,
    ErrorCode.ROOM_ERROR_EXCEED_MAXIMUM_MEMBER: 503,
    ErrorCode.HUB_STOPPING: 503,
    ErrorCode.HUB_INTERNAL_ERROR: 500,
}
_LATER = {409, 429, 503}


class Problem(Exception):
    """A request that is answered with `status` and a sentence."""

    def __init__(
        self, status: int, sentence: str, code: int | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.code = code
        self.headers = dict(headers or {})

    @classmethod
    def of(cls, error: ZegoError) -> Problem:
        """The problem for a refusal of the hub."""
        status = 400 if isinstance(error, BadOffer) else _STATUS.get(error.code, 400)
        headers: dict[str, str] = {hdrs.RETRY_AFTER: RETRY_AFTER} if status in _LATER else {}
        if status == 403:
            headers[hdrs.WWW_AUTHENTICATE] = 'Bearer error="insufficient_scope"'  # RFC 6750, section 3.1
        return cls(status, error.message, int(error.code), headers)

    @classmethod
    def unauthorized(cls, sentence: str, code: int, *, shown: bool) -> Problem:
        """No token, or (`shown`) one that is not good."""
        challenge = 'Bearer error="invalid_token"' if shown else "Bearer"
        return cls(401, sentence, code, {hdrs.WWW_AUTHENTICATE: challenge})

    def response(self) -> web.Response:
        body: dict[str, object] = {"title": HTTPStatus(self.status).phrase, "status": self.status}
        body["detail"] = self.sentence
        if self.code is not None:
            body["code"] = self.code
        return web.Response(
            status=self.status, text=json.dumps(body), content_type="application/problem+json", headers=self.headers
        )
