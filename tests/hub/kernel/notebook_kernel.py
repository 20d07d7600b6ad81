"""A real ipykernel and the front end's side of its wire: cells, comm messages, a subshell."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager

PATIENCE = 30.0
Message = dict[str, Any]


class NotebookKernel:
    """A kernel as a front end drives it; `start` and `aclose` are its life."""

    def __init__(self) -> None:
        self.manager = AsyncKernelManager()
        self.seen: list[Message] = []

    async def start(self, root: Path, environment: dict[str, str]) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        await self.manager.start_kernel(env=environment, cwd=str(root), stderr=self._errors)
        self.client: AsyncKernelClient = self.manager.client()
        self.client.start_channels()
        await self.client.wait_for_ready(timeout=PATIENCE)

    async def aclose(self) -> None:
        """End the kernel as a front end does: it is asked, and killed when it does not end."""
        self.client.stop_channels()
        if await self.manager.is_alive():
            await self.manager.shutdown_kernel()
        self.manager.context.destroy()
        self._errors.close()

    async def end(self) -> str:
        """Ask the kernel to end and wait until it has, by itself; returns what it wrote to its stderr."""
        self.client.shutdown()
        async with asyncio.timeout(PATIENCE):
            while await self.manager.is_alive():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        self._errors.seek(0)
        return self._errors.read().decode()

    # -- cells ----------------------------------------------------------------------------------------------

    def send_cell(self, code: str) -> str:
        """Run a cell without waiting for it; returns its message ID."""
        return str(self.client.execute(code))

    async def run_cell(self, code: str) -> str:
        """Run a cell to its end; returns what it printed."""
        return await self.finish_cell(self.send_cell(code))

    async def finish_cell(self, cell: str) -> str:
        await self.until(lambda message: is_idle(message, cell))
        own = [message for message in self.seen if message["parent_header"].get("msg_id") == cell]
        errors = ["\n".join(message["content"]["traceback"]) for message in own if message["msg_type"] == "error"]
        assert not errors, errors[0]
        return "".join(message["content"]["text"] for message in own if message["msg_type"] == "stream").strip()

    def is_running(self, cell: str) -> bool:
        return not any(is_idle(message, cell) for message in self.seen)

    # -- comms ----------------------------------------------------------------------------------------------

    async def create_subshell(self) -> str:
        reply = await self._control("create_subshell_request", {})
        return str(reply["content"]["subshell_id"])

    async def delete_subshell(self, subshell_id: str) -> None:
        await self._control("delete_subshell_request", {"subshell_id": subshell_id})

    async def _control(self, kind: str, content: dict[str, Any]) -> Message:
        request = self.client.session.msg(kind, content)
        self.client.control_channel.send(request)
        while True:
            reply: Message = await self.client.get_control_msg(timeout=PATIENCE)
            if reply["parent_header"].get("msg_id") == request["header"]["msg_id"]:
                assert reply["content"]["status"] == "ok", reply["content"]
                return reply

    def send_comm(self, comm_id: str, data: dict[str, Any], subshell_id: str | None = None) -> str:
        """Send a comm message, addressed to a subshell as JupyterLab does; returns its message ID."""
        message = self.client.session.msg("comm_msg", {"comm_id": comm_id, "data": data})
        if subshell_id is not None:
            message["header"]["subshell_id"] = subshell_id
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def hello(self, comm_id: str, subshell_id: str | None) -> str:
        """Greet the widget as a page; returns the page ID that its `Ready` will carry."""
        page_id = uuid.uuid4().hex
        content = {"type": "view_hello", "protocol": 1, "page_id": page_id}
        self.send_comm(comm_id, {"method": "custom", "content": content}, subshell_id)
        return page_id

    # -- what the kernel publishes --------------------------------------------------------------------------

    async def until(self, wanted: Callable[[Message], bool]) -> Message:
        """The first message on IOPub, from the beginning, that is wanted."""
        for message in self.seen:
            if wanted(message):
                return message
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    message = await self.client.get_iopub_msg()
                    self.seen.append(message)
                    if wanted(message):
                        return message
        except TimeoutError:
            raise AssertionError("the kernel did not publish what was waited for") from None


def is_idle(message: Message, request: str) -> bool:
    return (
        message["msg_type"] == "status"
        and message["content"]["execution_state"] == "idle"
        and message["parent_header"].get("msg_id") == request
    )


def ready_for(page_id: str) -> Callable[[Message], bool]:
    """A `Ready` that answers this page's hello."""

    def wanted(message: Message) -> bool:
        content = message["content"].get("data", {}).get("content", {}) if message["msg_type"] == "comm_msg" else {}
        return bool(content.get("type") == "ready" and content.get("page_id") == page_id)

    return wanted


def sets(name: str, value: object, method: str = "update") -> Callable[[Message], bool]:
    """A trait update that sets a name to a value."""

    def wanted(message: Message) -> bool:
        data = message["content"].get("data", {}) if message["msg_type"] == "comm_msg" else {}
        return data.get("method") == method and name in data["state"] and data["state"][name] == value

    return wanted


def printed(text: str) -> Callable[[Message], bool]:
    return lambda message: message["msg_type"] == "stream" and text in message["content"]["text"]
