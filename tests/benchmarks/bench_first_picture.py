"""Time to the first picture in a real Chromium after asking to play, beside Janus' VideoRoom with the same page.

A page publishes its camera. Another one makes a new connection each time, asks to play over HTTP (WHEP here, Janus' own
requests there, both carried by the bench's server), and stops the clock when the first frame is on the page. Nothing
is prepared for the viewer: ICE, DTLS and the wait for a key frame are all in the figure.

python tests/benchmarks/bench_first_picture.py [repetitions]
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from aiohttp import ClientSession, web
from playwright.async_api import async_playwright

from tests.benchmarks import isolation
from tests.benchmarks.janus import Janus, JanusSession
from tests.browser import chromium
from tests.hub.hub_process import HubProcess

PAGE = Path(__file__).with_name("first_picture.html")
REPETITIONS = 15
OURS, JANUS = "zego_widget", "janus"
_ROOM, _STREAM = "bench", "camera"


class OurSignalling:
    """WHIP and WHEP of a real hub process."""

    def __init__(self, hub: HubProcess, http: ClientSession) -> None:
        self._hub = hub
        self._http = http
        self._viewers = 0

    def routes(self) -> list[web.RouteDef]:
        return [web.post(f"/{OURS}/publish", self.publish), web.post(f"/{OURS}/watch", self.watch)]

    async def publish(self, request: web.Request) -> web.Response:
        return await self._post("whip", "publisher", await request.text())

    async def watch(self, request: web.Request) -> web.Response:
        self._viewers += 1
        return await self._post("whep", f"viewer-{self._viewers}", await request.text())

    async def _post(self, protocol: str, user_id: str, offer: str) -> web.Response:
        headers = {
            "Authorization": f"Bearer {self._hub.key(user_id, _ROOM).token}",
            "Content-Type": "application/sdp",
        }
        url = f"{self._hub.url}/{protocol}/{_ROOM}/{_STREAM}"
        async with self._http.post(url, data=offer, headers=headers) as response:
            return web.Response(text=await response.text(), status=200 if response.status == 201 else response.status)


class JanusSignalling:
    """Janus' VideoRoom; sessions are attached before anyone asks."""

    def __init__(self, janus: Janus) -> None:
        self._janus = janus
        self._feed = 0
        self._ready: list[JanusSession] = []
        self._watching: JanusSession | None = None

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(f"/{JANUS}/publish", self.publish),
            web.post(f"/{JANUS}/watch", self.watch),
            web.post(f"/{JANUS}/start", self.start),
        ]

    async def prepare(self) -> None:
        """Have a session for the next who asks, and end the last one."""
        if self._watching is not None:
            await self._watching.aclose()
        self._ready.append(await self._janus.session())

    async def publish(self, request: web.Request) -> web.Response:
        self._feed, answer = await (await self._janus.session()).publish("publisher", await request.text())
        return web.Response(text=answer)

    async def watch(self, request: web.Request) -> web.Response:
        self._watching = self._ready.pop()
        return web.Response(text=await self._watching.subscribe([self._feed]))

    async def start(self, request: web.Request) -> web.Response:
        assert self._watching is not None
        await self._watching.start(await request.text())
        return web.Response()


@contextlib.asynccontextmanager
async def served(routes: list[web.RouteDef]) -> Any:
    """The page and the requests it makes; gives its URL."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=PAGE.read_text(), content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/", page), *routes])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def main(repetitions: int) -> None:
    executable = chromium.find()
    if executable is None:
        sys.exit("this benchmark needs Chromium: run `python -m tests.browser.chromium`")
    figures: dict[str, list[float]] = {OURS: []}
    async with contextlib.AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hub = HubProcess(directory)
        stack.callback(hub.close)
        http = await stack.enter_async_context(ClientSession())
        routes, theirs = OurSignalling(hub, http).routes(), None
        if why_not := Janus.why_not():
            print(f"without Janus: {why_not}\n")
        else:
            janus = await Janus.start()
            stack.push_async_callback(janus.aclose)
            theirs = JanusSignalling(janus)
            routes += theirs.routes()
            figures[JANUS] = []
        url = await stack.enter_async_context(served(routes))
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=executable, args=chromium.flags())
        stack.push_async_callback(browser.close)
        for engine in figures:  # a camera for each engine, all the time
            page = await browser.new_page()
            await page.goto(url)
            await page.evaluate("engine => publish(engine)", engine)
        viewer = await browser.new_page()
        await viewer.goto(url)
        for turn in range(-1, repetitions):  # the first one warms up
            for engine, took in figures.items():
                if engine == JANUS and theirs is not None:
                    await theirs.prepare()
                milliseconds = await viewer.evaluate("engine => watch(engine)", engine)
                if turn >= 0:
                    took.append(milliseconds)
                await asyncio.sleep(0.6)  # a key frame may be asked for twice a second
    print(f"{'':14} {'median':>8} {'best':>8} {'worst':>8}   (ms, {repetitions} times)")
    for engine, took in figures.items():
        print(f"{engine:14} {statistics.median(took):8.0f} {min(took):8.0f} {max(took):8.0f}")
    if JANUS in figures:
        part = statistics.median(our / their for our, their in zip(figures[OURS], figures[JANUS], strict=True))
        print(f"we take {part:.2f} of {JANUS}'s time (median of the turns' ratios)")


if __name__ == "__main__":
    isolation.isolate()
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else REPETITIONS))
