"""The engines of a benchmark behind one face: who publishes, who plays, and which process pays for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, Self

from tests.benchmarks.janus import Janus, JanusSession
from tests.benchmarks.processes import JsonProcess

_SLOTS = {"audio": "microphone", "video": "camera"}


class Engine(Protocol):
    """A running engine; peers live in processes of `tests.benchmarks.load`."""

    @property
    def pid(self) -> int: ...

    async def publish(self, load: JsonProcess, name: str, kinds: Sequence[str]) -> None:
        """Let a peer of `load` publish tracks of these kinds."""
        ...

    async def watch(self, load: JsonProcess, name: str, kinds: Sequence[str], *, timed: bool = False) -> None:
        """Let another peer play everything that was published before, tracks of these kinds in all."""
        ...

    async def aclose(self) -> None: ...


class OwnProcess:
    """An engine in Python: ours, or aiortc's MediaRelay."""

    def __init__(self, process: JsonProcess) -> None:
        self._process = process

    @classmethod
    async def start(cls, engine: str) -> Self:
        return cls(await JsonProcess.start("tests.benchmarks.engine_server", engine))

    @property
    def pid(self) -> int:
        return self._process.pid

    async def publish(self, load: JsonProcess, name: str, kinds: Sequence[str]) -> None:
        await self.join(load, name, kinds, ())

    async def watch(self, load: JsonProcess, name: str, kinds: Sequence[str], *, timed: bool = False) -> None:
        await self.join(load, name, (), kinds, timed=timed)
        await self._process.ask(connect=True)

    async def join(
        self, load: JsonProcess, name: str, sends: Sequence[str], receives: Sequence[str], *, timed: bool = False
    ) -> None:
        """Connect one peer that sends and receives; it plays nothing before `connect`."""
        offer = (await load.ask(offer=name, send=list(sends), receive=list(receives), timed=timed))["sdp"]
        slots = {_SLOTS[kind]: str(mid) for mid, kind in enumerate(sends)}
        answer = (await self._process.ask(join=name, offer=offer, send=slots))["answer"]
        await load.ask(accept=name, sdp=answer)

    async def connect(self) -> None:
        """Let everyone play what the others publish."""
        await self._process.ask(connect=True)

    async def leave(self, name: str) -> None:
        """Close a peer from the engine's side."""
        await self._process.ask(leave=name)

    async def level(self) -> dict[str, int]:
        """Tasks, file descriptors and memory of the engine now, garbage collected."""
        level: dict[str, int] = await self._process.ask(level=True)
        return level

    async def counters(self) -> dict[str, Any]:
        """What the engine counted."""
        counters: dict[str, Any] = (await self._process.ask(counters=True))["counters"]
        return counters

    async def aclose(self) -> None:
        await self._process.aclose()


class JanusRoom:
    """Janus' VideoRoom; who publishes and plays has two connections, as with its own clients."""

    def __init__(self, janus: Janus) -> None:
        self._janus = janus
        self._sessions: list[JanusSession] = []
        self._feeds: dict[str, int] = {}

    @classmethod
    async def start(cls, *, media: str = "") -> Self:
        return cls(await Janus.start(media=media))

    @property
    def pid(self) -> int:
        return self._janus.pid

    async def publish(self, load: JsonProcess, name: str, kinds: Sequence[str]) -> None:
        offer = (await load.ask(offer=name, send=list(kinds), receive=[]))["sdp"]
        self._feeds[name], answer = await (await self._session()).publish(name, offer)
        await load.ask(accept=name, sdp=answer)

    async def watch(self, load: JsonProcess, name: str, kinds: Sequence[str], *, timed: bool = False) -> None:
        await self.play(load, name, list(self._feeds), timed=timed)

    async def play(self, load: JsonProcess, name: str, publishers: Sequence[str], *, timed: bool = False) -> None:
        """Let a peer play everything of these publishers over one connection."""
        session = await self._session()
        offer = await session.subscribe([self._feeds[publisher] for publisher in publishers])
        answer = (await load.ask(answer=name, sdp=offer, timed=timed))["sdp"]
        await session.start(answer)
        await load.ask(connected=name)

    async def _session(self) -> JanusSession:
        session = await self._janus.session()
        self._sessions.append(session)
        return session

    async def aclose(self) -> None:
        for session in self._sessions:
            await session.aclose()
        await self._janus.aclose()


def engines(*wanted: str) -> dict[str, Callable[[], Awaitable[Engine]]]:
    """How to start the engines that can be had here; says which cannot."""
    starters: dict[str, Callable[[], Awaitable[Engine]]] = {
        "zego_widget": lambda: OwnProcess.start("zego_widget"),
        "media_relay": lambda: OwnProcess.start("media_relay"),
    }
    why_not = Janus.why_not()
    if not why_not:
        starters["janus"] = JanusRoom.start
        starters["janus, 1 event loop"] = lambda: JanusRoom.start(media="event_loops = 1")
    elif any(name not in starters for name in wanted):
        print(f"without Janus: {why_not}\n")
    return {name: starters[name] for name in wanted if name in starters}
