"""One picture out of a queue of them."""

from __future__ import annotations

import asyncio

import numpy as np
import numpy.typing as npt

from zego_widget.errors import ErrorCode, ZegoError

from .frame_queue import FrameQueue
from .frames import VideoFrame


async def next_picture(queue: FrameQueue[VideoFrame], timeout: float, code: ErrorCode) -> npt.NDArray[np.uint8]:
    """The next picture, (H, W, 3) RGB, and the end of the queue; raises `ZegoError` with the code when none comes."""
    async with queue:
        try:
            async with asyncio.timeout(timeout):
                frame = await queue.get()
        except TimeoutError:
            frame = None
    if frame is None:
        raise ZegoError(f"No picture came within {timeout:g} s.", code)
    return frame.to_ndarray("rgb24")
