"""What is said to requests that are not good, and that nothing is left of them."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from tests.hub.hub_process import HubProcess, raw_exchange
from tests.hub.whip.conftest import APP, Studio, token
from tests.hub.whip.outsider import SDP, Outsider, bearer
from zego_widget.credentials import new_app
from zego_widget.tokens import sign

MAY_PUBLISH = {"publish": True}
TRICKLE = {"Content-Type": "application/trickle-ice-sdpfrag"}


class Answer:
    def __init__(self, status: int, headers: Any, body: str) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["Content-Type"].startswith("application/problem+json")
        problem: dict[str, Any] = json.loads(self.body)
        assert problem["status"] == self.status
        assert problem["title"] and problem["detail"]
        return problem


async def ask(method: str, url: str, **options: Any) -> Answer:
    async with aiohttp.ClientSession() as http, http.request(method, url, **options) as response:
        return Answer(response.status, response.headers, await response.text())


async def offer(*kinds: str, direction: str = "sendonly") -> str:
    async with Outsider("", "") as outsider:
        return await outsider.offer(*kinds, direction=direction)


async def post(url: str, shown: str, sdp: str | None = None, headers: dict[str, str] = SDP) -> Answer:
    sdp = await offer() if sdp is None else sdp
    return await ask("POST", url, data=sdp.encode(), headers=bearer(shown) | headers)


def nobody_is_there(studio: Studio) -> None:
    status = studio.hub.status()
    assert (status.rooms, status.sessions, status.peers) == (0, 0, 0)


# -- tokens --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    "shown",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic " + token("obs", publish=True)},
        {"Authorization": token("obs", publish=True)},
    ],
    ids=["none", "empty", "scheme only", "blank", "basic", "bare"],
)
async def test_who_shows_no_token_is_asked_for_one(shared_studio: Studio, method: str, shown: dict[str, str]) -> None:
    url = shared_studio.whip("camera") + ("" if method == "POST" else "/resource")
    answer = await ask(method, url, data=b"v=0", headers=SDP | shown)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.problem["code"] == 1002067
    nobody_is_there(shared_studio)


BAD_TOKENS = {
    "the hub's secret": lambda hub: hub.secret,
    "expired": lambda hub: token("obs", now=time.time() - 7200, publish=True),
    "of another secret": lambda hub: sign(APP.app_id, "obs", new_app().server_secret, 60),
    "of another app": lambda hub: sign(4711, "obs", APP.server_secret, 60),
    "cut off": lambda hub: token("obs", publish=True)[:-8],
    "changed": lambda hub: token("obs", publish=True)[:-8] + "AAAAAAA=",
}


@pytest.mark.parametrize("kind", BAD_TOKENS)
async def test_a_token_that_is_not_good_lets_nobody_in(shared_studio: Studio, kind: str) -> None:
    for url in (shared_studio.whip("camera"), shared_studio.whep("camera")):
        answer = await post(url, BAD_TOKENS[kind](shared_studio.hub))
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert answer.problem["code"] in (1002033, 1002075, 1002076, 1002078, 1002079)
    nobody_is_there(shared_studio)


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        (token("obs", "elsewhere", publish=True), 1002033),
        (token("obs", login=False, publish=True), 1002033),
        (token("obs", publish=False), 1003072),
        (token("obs", publish=True, stream_ids=["another"]), 1003072),
    ],
    ids=["another room", "no login", "no publishing", "another stream"],
)
async def test_a_token_without_the_right_is_forbidden(shared_studio: Studio, shown: str, code: int) -> None:
    answer = await post(shared_studio.whip("camera"), shown)
    assert answer.status == 403
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope"'
    assert answer.problem["code"] == code
    nobody_is_there(shared_studio)


async def test_a_token_that_a_link_has_used_lets_nobody_in(studio: Studio) -> None:
    import zego_widget as zego

    shown = token("ada", publish=True)
    profile = zego.EngineProfile(APP.app_id, hub_url=studio.hub.url, hub_secret=studio.hub.secret)
    async with zego.ExpressEngine(profile) as engine:
        await engine.login_room("studio", zego.User("ada"), zego.RoomConfig(token=shown))
        answer = await post(studio.whip("camera"), shown)
        assert (answer.status, answer.problem["code"]) == (403, 1002033)
        assert studio.hub.status().sessions == 1


async def test_a_token_that_came_over_http_opens_no_link(studio: Studio) -> None:
    import zego_widget as zego

    shown = token("ada", publish=True)
    assert (await post(studio.whip("camera"), shown)).status == 201
    profile = zego.EngineProfile(APP.app_id, hub_url=studio.hub.url, hub_secret=studio.hub.secret)
    async with zego.ExpressEngine(profile) as engine:
        with pytest.raises(zego.ZegoError, match="another client"):
            await engine.login_room("studio", zego.User("ada"), zego.RoomConfig(token=shown))


# -- requests ------------------------------------------------------------------------------------------------


async def test_bodies_that_are_no_offer(shared_studio: Studio) -> None:
    url, shown = shared_studio.whip("camera"), token("strange-bodies", publish=True)
    assert (await post(url, shown, "", headers={"Content-Type": "text/plain"})).status == 415
    assert (await post(url, shown, "", headers={"Content-Type": "application/json"})).headers["Accept-Post"]
    assert (await post(url, shown, headers=SDP | {"Accept": "text/html"})).status == 406
    assert (await post(url, shown, "")).problem["code"] == 1900020
    assert (await post(url, shown, "")).status == 400
    assert (await post(url, shown, "hello")).status == 400
    assert (await post(url, shown, "v=0\r\n")).status == 400
    not_text = await ask("POST", url, data=b"v=0\xff", headers=bearer(shown) | SDP)
    assert not_text.status == 400
    assert (await post(url, shown, (await offer()).replace("a=group:BUNDLE", "a=x:"))).status == 400
    nobody_is_there(shared_studio)


async def test_offers_that_do_not_fit(shared_studio: Studio) -> None:
    url, shown = shared_studio.whip("camera"), token("strange-offers", publish=True)
    assert (await post(url, shown, await offer("video", "video"))).status == 422
    assert (await post(url, shown, await offer(direction="recvonly"))).status == 422
    assert (await post(url, shown, await offer(direction="inactive"))).status == 422
    strange = (await offer("video")).replace("VP8/90000", "AV1/90000").replace("H264/90000", "VP9/90000")
    assert (await post(url, shown, strange)).status == 406
    nobody_is_there(shared_studio)


def test_a_body_that_is_too_long_is_not_read(shared_studio: Studio) -> None:
    host = f"localhost:{shared_studio.hub.port}"
    head = (
        f"POST /whip/studio/camera HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token('long', publish=True)}\r\n"
        "Content-Type: application/sdp\r\n"
    )
    announced = head + f"Content-Length: {256 * 1024 + 1}\r\n\r\n"
    assert raw_exchange(shared_studio.hub.port, announced.encode())[0] == 413
    chunk = "10000\r\n" + "a" * 0x10000 + "\r\n"
    endless = head + "Transfer-Encoding: chunked\r\n\r\n" + chunk * 4 + "1\r\na\r\n"
    assert raw_exchange(shared_studio.hub.port, endless.encode())[0] == 413
    nobody_is_there(shared_studio)


@pytest.mark.parametrize("shown", [True, False], ids=["with a token", "without"])
async def test_a_body_that_inflates_stays_as_small_as_it_is(shared_studio: Studio, shown: bool) -> None:
    level = await shared_studio.hub.level()
    bomb = gzip.compress(bytes(100 << 20))
    assert len(bomb) < 256 * 1024
    headers = SDP | {"Content-Encoding": "gzip"} | (bearer(token("inflating", publish=True)) if shown else {})
    answers = [await ask("POST", shared_studio.whip("camera"), data=bomb, headers=headers) for _ in range(3)]
    assert {answer.status for answer in answers} == {415 if shown else 401}
    await shared_studio.hub.is_back_at(level, rss_slack=32 << 20)


async def test_a_body_that_does_not_come_in_time_is_not_waited_for(start_hub: Callable[..., HubProcess]) -> None:
    hub = start_hub(apps=[APP], handshake_timeout=1.0)
    head = (
        f"POST /whip/studio/camera HTTP/1.1\r\nHost: localhost:{hub.port}\r\nContent-Length: 9\r\n"
        f"Authorization: Bearer {token('slow', publish=True)}\r\nContent-Type: application/sdp\r\n\r\nv="
    )
    status, answer = await asyncio.to_thread(raw_exchange, hub.port, head.encode())
    assert status == 408
    assert b"application/problem+json" in answer


@pytest.mark.parametrize("path", ["camera.1", "a" * 257, "%00", "a%2Fb"])
async def test_what_is_no_stream_id_is_not_found(shared_studio: Studio, path: str) -> None:
    url = aiohttp.client.URL(shared_studio.whip(path), encoded=True)
    answer = await post(url, token("strange-names", publish=True))
    assert answer.status == 404
    assert answer.problem["detail"]


async def test_a_room_id_may_have_any_character_that_rooms_may_have(studio: Studio) -> None:
    room_id = "a/b?c'%;".replace("?", "!")
    path = "a%2Fb!c'%25%3B"
    url = aiohttp.client.URL(f"{studio.hub.url}/whip/{path}/camera", encoded=True)
    answer = await post(url, token("obs", room_id, publish=True))
    assert answer.status == 201
    location = aiohttp.client.URL(studio.hub.url + answer.headers["Location"], encoded=True)
    assert (await ask("DELETE", location, headers=bearer(token("obs", room_id)))).status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_only_post_is_for_endpoints(shared_studio: Studio, method: str) -> None:
    for url in (shared_studio.whip("camera"), shared_studio.whep("camera")):
        answer = await ask(method, url, headers=bearer(token("curious")))
        assert answer.status == 405
        assert answer.headers["Allow"] == "POST, GET, HEAD, OPTIONS"


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_only_delete_and_patch_are_for_resources(shared_studio: Studio, method: str) -> None:
    answer = await ask(method, shared_studio.whip("camera") + "/resource", headers=bearer(token("curious")))
    assert answer.status == 405
    assert answer.headers["Allow"] == "DELETE, PATCH, GET, HEAD, OPTIONS"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_endpoints_and_resources_look_like_nothing_to_who_may_look(studio: Studio, method: str) -> None:
    obs = await studio.publisher("obs", "camera")
    for url in (studio.whip("camera"), studio.whep("camera"), obs.resource):
        answer = await ask(method, url, headers=bearer(obs.token))
        assert (answer.status, answer.body) == (204, "")
        assert (await ask(method, url)).status == 401
    assert (await ask(method, obs.resource, headers=bearer(token("curious")))).status == 403
    assert (await ask(method, studio.whip("camera") + "/none", headers=bearer(token("curious")))).status == 404


async def test_other_paths_are_nothing(shared_studio: Studio) -> None:
    for path in ("/whip", "/whip/", "/whip/studio", "/whip/studio/camera/a/b", "/whipped/studio/camera"):
        answer = await ask("POST", shared_studio.hub.url + path, headers=bearer(token("curious")))
        assert answer.status == 404


# -- streams and users ---------------------------------------------------------------------------------------


async def test_a_stream_that_is_not_live_is_to_be_asked_for_again(studio: Studio) -> None:
    viewing = await offer(direction="recvonly")
    answer = await post(studio.whep("camera"), token("tv"), viewing)
    assert (answer.status, answer.problem["code"]) == (409, 1004002)
    assert int(answer.headers["Retry-After"]) > 0
    await studio.publisher("obs", "camera")
    elsewhere = await post(studio.whep("camera", "elsewhere"), token("tv", "elsewhere"), viewing)
    assert elsewhere.status == 409
    assert (await post(studio.whep("camera"), token("tv"), viewing)).status == 201


async def test_a_stream_in_a_codec_that_the_viewer_does_not_take(studio: Studio) -> None:
    await studio.publisher("obs", "camera")
    viewing = (await offer(direction="recvonly")).replace("VP8/90000", "AV1/90000").replace("H264/90000", "VP9/90000")
    answer = await post(studio.whep("camera"), token("tv"), viewing)
    assert answer.status == 406
    assert studio.hub.status().sessions == 1


async def test_a_viewer_does_not_send(studio: Studio) -> None:
    await studio.publisher("obs", "camera")
    assert (await post(studio.whep("camera"), token("tv"), await offer(direction="sendonly"))).status == 422


async def test_a_stream_id_is_taken_once(studio: Studio) -> None:
    ada = await studio.participant()
    await studio.publisher("obs", "camera")
    answer = await post(studio.whip("camera"), token("other", publish=True))
    assert (answer.status, answer.problem["code"]) == (409, 1003028)
    second = await post(studio.whip("screen"), token("obs", publish=True))
    assert (second.status, second.problem["code"]) == (409, 1003023)
    elsewhere = await post(studio.whip("screen", "elsewhere"), token("obs", "elsewhere", publish=True))
    assert (elsewhere.status, elsewhere.problem["code"]) == (409, 1002001)
    await ada.hears("room_user_update")
    assert [each.user_id for event in ada.all("room_user_update") for each in event.users] == ["obs"]


async def test_a_stream_that_is_only_declared_is_taken_as_well(studio: Studio) -> None:
    assert (await post(studio.whip("camera"), token("obs", publish=True))).status == 201
    assert (await post(studio.whip("camera"), token("other", publish=True))).status == 409
    assert studio.hub.status().sessions == 1


async def test_a_user_has_so_many_resources_and_no_more(studio: Studio) -> None:
    await studio.publisher("obs", "camera")
    viewing, shown = await offer(direction="recvonly"), token("tv")
    begun = [await post(studio.whep("camera"), shown, viewing) for _ in range(9)]
    assert [answer.status for answer in begun] == [201] * 8 + [429]
    first = studio.hub.url + begun[0].headers["Location"]
    assert (await ask("DELETE", first, headers=bearer(shown))).status == 200
    assert (await post(studio.whep("camera"), shown, viewing)).status == 201


async def test_a_user_who_begins_all_the_time_is_asked_to_wait(studio: Studio) -> None:
    shown, sdp = token("hasty", publish=True), await offer()
    statuses = []
    for _ in range(60):
        answer = await post(studio.whip("camera"), shown, sdp)
        statuses.append(answer.status)
        if answer.status == 429:
            break
    assert statuses[:20] == [201] * 20
    assert statuses[-1] == 429
    assert (await post(studio.whip("other"), token("patient", publish=True), sdp)).status == 201


# -- resources -----------------------------------------------------------------------------------------------


async def test_a_resource_is_its_owners(studio: Studio) -> None:
    obs = await studio.publisher("obs", "camera")
    assert await obs.delete("") == 401
    assert await obs.delete(token("other", publish=True)) == 403
    assert await obs.ask("PATCH", headers=bearer(token("other")) | TRICKLE, data=b"") == 403
    assert studio.hub.status().streams == 1
    assert await obs.delete(token("obs")) == 200
    assert await obs.delete() == 404
    assert await obs.ask("PATCH", headers=bearer(obs.token) | TRICKLE, data=b"") == 404
    nobody_is_there(studio)


async def test_who_began_with_a_token_that_has_run_out_may_still_end(studio: Studio) -> None:
    obs = await studio.outsider(studio.whip("camera"), token("obs", lifetime=3, publish=True))
    await obs.publish()
    viewing = await offer(direction="recvonly")
    async with asyncio.timeout(20):
        while (await post(studio.whep("nothing"), obs.token, viewing)).status != 401:  # noqa: ASYNC110 - it runs out
            await asyncio.sleep(0.5)
    assert await obs.delete() == 200


async def test_candidates_may_trickle_in_and_change_nothing(studio: Studio) -> None:
    obs = await studio.publisher("obs", "camera")
    ufrag = next(line for line in obs.pc.localDescription.sdp.splitlines() if line.startswith("a=ice-ufrag:"))
    fragment = f"{ufrag}\r\na=ice-pwd:x\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na=end-of-candidates\r\n".encode()
    restart = b"a=ice-ufrag:another\r\na=ice-pwd:another\r\n"

    async def patch(body: bytes, **headers: str) -> int:
        given = bearer(obs.token) | TRICKLE | {name.replace("_", "-"): value for name, value in headers.items()}
        return await obs.ask("PATCH", data=body, headers=given)

    assert await patch(fragment, If_Match=obs.etag) == 204
    assert await patch(fragment, If_Match="*") == 204
    assert await patch(fragment) == 428
    assert await patch(fragment, If_Match='"another"') == 412
    assert await patch(restart, If_Match="*") == 422
    assert await patch(b"", If_Match=obs.etag) == 400
    assert await patch(fragment, If_Match=obs.etag, Content_Type="application/sdp") == 415
    viewer = await studio.viewer("camera")
    await viewer.sees("video")


# -- the guard -----------------------------------------------------------------------------------------------


async def test_pages_of_any_origin_may_ask_and_read_the_answer(studio: Studio) -> None:
    origin = {"Origin": "https://player.example"}
    preflight = origin | {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    for url in (studio.whip("camera"), studio.whep("camera"), studio.whip("camera") + "/resource"):
        answer = await ask("OPTIONS", url, headers=preflight)
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
        assert answer.headers["Access-Control-Allow-Methods"] == answer.headers["Allow"]
    begun = await post(studio.whip("camera"), token("obs", publish=True), headers=SDP | origin)
    assert begun.status == 201
    assert begun.headers["Access-Control-Allow-Origin"] == "*"
    assert {"Location", "ETag"} <= set(begun.headers["Access-Control-Expose-Headers"].split(", "))
    assert "Access-Control-Allow-Credentials" not in begun.headers
    refused = await ask("POST", studio.whip("camera"), headers=origin)
    assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (401, "*")


@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
async def test_the_name_of_the_host_counts_for_tools_as_well(shared_studio: Studio, method: str) -> None:
    for host in ("evil.example", f"evil.example:{shared_studio.hub.port}"):
        shown = bearer(token("rebound", publish=True)) | SDP | {"Host": host}
        answer = await ask(method, shared_studio.whip("camera"), data=b"v=0", headers=shown)
        assert answer.status == 421
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_the_way_of_tools_leads_nowhere_else(shared_studio: Studio) -> None:
    origin = {"Origin": "https://player.example"}
    for path in ("/whip/../v1/status", "/whip/%2e%2e/v1/status", "/whip/x/../../v1/status", "//whip/a/b", "/v1/status"):
        url = aiohttp.client.URL(shared_studio.hub.url + path, encoded=True)
        answer = await ask("GET", url, headers=origin | bearer(token("curious")))
        assert answer.status in (401, 403, 404, 405)
        assert "pid" not in answer.body


async def test_neither_tokens_nor_resources_reach_the_log(studio: Studio) -> None:
    obs = await studio.publisher("obs", "camera")
    tv = await studio.viewer("camera")
    await tv.sees("video", 1)
    await obs.delete(token("other"))
    with contextlib.suppress(AssertionError):
        await (await studio.outsider(studio.whip("screen"), obs.token)).publish()
    await obs.delete()
    await tv.delete()
    log = studio.hub.log
    assert "camera" in log
    for secret in (obs.token, tv.token, obs.resource.rpartition("/")[2], tv.resource.rpartition("/")[2]):
        assert secret not in log
        assert secret[-20:] not in log
