"""Pictures that a page is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import protocol
from ..errors import ErrorCode, ZegoError
from ..model import PublishChannel

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SNAPSHOT_TIMEOUT = 5.0


class PageSnapshots:
    """Asks a page for the present picture of what it captures."""

    def __init__(self, tell: Callable[[protocol.KernelMessage], None]) -> None:
        self._tell = tell
        self._asked = 0
        self._waiting: dict[int, tuple[str, asyncio.Future[npt.NDArray[np.uint8] | None]]] = {}

    async def ask(self, page_id: str | None, channel: PublishChannel) -> npt.NDArray[np.uint8]:
        """The present picture of a channel, (H, W, 3) RGB; raises `ZegoError` (1003030) when none comes."""
        if page_id is None:
            raise _no_picture("No page captures.")
        self._asked += 1
        answer: asyncio.Future[npt.NDArray[np.uint8] | None] = asyncio.get_running_loop().create_future()
        self._waiting[self._asked] = (page_id, answer)
        try:
            async with asyncio.timeout(SNAPSHOT_TIMEOUT):
                self._tell(protocol.TakeSnapshot(page_id, self._asked, channel, None))
                picture = await answer
        except TimeoutError:
            raise _no_picture(f"The page sent no picture within {SNAPSHOT_TIMEOUT:g} s.") from None
        finally:
            self._waiting = {number: each for number, each in self._waiting.items() if each[1] is not answer}
        if picture is None:
            raise _no_picture("The page captures no picture at the moment.")
        return picture

    def take(self, report: protocol.PageSnapshot, buffer: bytes | memoryview) -> None:
        """The answer to `TakeSnapshot`."""
        page_id, answer = self._waiting.get(report.request_id, ("", None))
        if answer is None or answer.done() or page_id != report.page_id:
            return
        size = report.width * report.height * 4
        if report.width <= 0 or report.height <= 0 or memoryview(buffer).nbytes != size:
            answer.set_result(None)
            return
        import numpy as np

        rgba = np.frombuffer(buffer, np.uint8).reshape(report.height, report.width, 4)
        answer.set_result(rgba[:, :, :3].copy())


def _no_picture(sentence: str) -> ZegoError:
    return ZegoError(sentence, ErrorCode.PUBLISHER_TAKE_PUBLISH_STREAM_SNAPSHOT_FAILED)
