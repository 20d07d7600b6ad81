"""A real ipykernel and the front end's side of its wire: cells, comm messages, a subshell."""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

PATIENCE = 30.0
Message = dict[str, Any]


class NotebookKernel:
    """A kernel as a front end drives it; `close` shuts it down as a front end does."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.manager = KernelManager()
        self.manager.start_kernel(env=environment, cwd=str(root), extra_arguments=["--IPKernelApp.log_level=WARN"])
        self.client: BlockingKernelClient = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)
        self.seen: list[Message] = []

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel()

    # -- cells ----------------------------------------------------------------------------------------------

    def send_cell(self, code: str) -> str:
        """Run a cell without waiting for it; returns its message ID."""
        return str(self.client.execute(code))

    def run_cell(self, code: str) -> str:
        """Run a cell to its end; returns what it printed."""
        return self.finish_cell(self.send_cell(code))

    def finish_cell(self, cell: str) -> str:
        self.until(lambda message: is_idle(message, cell))
        own = [message for message in self.seen if message["parent_header"].get("msg_id") == cell]
        errors = ["\n".join(message["content"]["traceback"]) for message in own if message["msg_type"] == "error"]
        assert not errors, errors[0]
        return "".join(message["content"]["text"] for message in own if message["msg_type"] == "stream").strip()

    def is_running(self, cell: str) -> bool:
        return not any(is_idle(message, cell) for message in self.seen)

    # -- comms ----------------------------------------------------------------------------------------------

    def create_subshell(self) -> str:
        reply = self._control("create_subshell_request", {})
        return str(reply["content"]["subshell_id"])

    def delete_subshell(self, subshell_id: str) -> None:
        self._control("delete_subshell_request", {"subshell_id": subshell_id})

    def _control(self, kind: str, content: dict[str, Any]) -> Message:
        request = self.client.session.msg(kind, content)
        self.client.control_channel.send(request)
        deadline = time.monotonic() + PATIENCE
        while True:
            reply: Message = self.client.get_control_msg(timeout=deadline - time.monotonic())
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

    def until(self, wanted: Callable[[Message], bool]) -> Message:
        """The first message on IOPub, from the beginning, that is wanted."""
        for message in self.seen:
            if wanted(message):
                return message
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError("the kernel did not publish what was waited for") from None
            self.seen.append(message)
            if wanted(message):
                return message


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
