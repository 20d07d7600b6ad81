"""A JupyterLab server of the tests' own: nothing in it is shared with the person's settings, kernels or hub."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import nbformat
import psutil

REPOSITORY = Path(__file__).resolve().parents[2]

SERVER_CONFIG = """\
c.IdentityProvider.token = {token!r}
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.port = 0
c.ServerApp.open_browser = False
c.ServerApp.allow_root = True
c.ServerApp.local_hostnames = ["localhost", "notebook.test"]
c.ServerApp.root_dir = {root!r}
c.LabApp.extension_manager = "readonly"
c.LabApp.collaborative = False
c.FileContentsManager.delete_to_trash = False
c.MultiKernelManager.default_kernel_name = "python3"
"""

# Nothing that asks the person something or looks for news on the internet.
PAGE_CONFIG: dict[str, Any] = {
    "disabledExtensions": {
        "@jupyterlab/apputils-extension:announcements": True,
        "@jupyterlab/extensionmanager-extension": True,
    }
}

# What a call in a notebook has nothing to do with, and what takes time with every page that is opened.
SPARE_CONFIG = """\
c.ServerApp.jpserver_extensions = {{name: False for name in {extensions!r}}}
"""
SPARE_SERVER_EXTENSIONS = ("jupyter_lsp", "jupyter_server_terminals", "notebook", "notebook_shim")
SPARE_EXTENSIONS = (
    *("@jupyter-notebook/lab-extension", "@jupyterlab/apputils-extension:splash", "@jupyterlab/audio-extension"),
    *("@jupyterlab/celltags-extension", "@jupyterlab/console-extension", "@jupyterlab/csvviewer-extension"),
    *("@jupyterlab/debugger-extension", "@jupyterlab/fileeditor-extension", "@jupyterlab/help-extension"),
    *("@jupyterlab/hub-extension", "@jupyterlab/imageviewer-extension", "@jupyterlab/inspector-extension"),
    *("@jupyterlab/json-extension", "@jupyterlab/launcher-extension", "@jupyterlab/logconsole-extension"),
    *("@jupyterlab/lsp-extension", "@jupyterlab/markdownviewer-extension", "@jupyterlab/mathjax-extension"),
    *("@jupyterlab/mermaid-extension", "@jupyterlab/pdf-extension", "@jupyterlab/settingeditor-extension"),
    *("@jupyterlab/terminal-extension", "@jupyterlab/toc-extension", "@jupyterlab/tooltip-extension"),
    *("@jupyterlab/vega5-extension", "@jupyterlab/video-extension", "@jupyterlab/workspaces-extension"),
)


@dataclass
class Lab:
    """A running JupyterLab: where it is, and what the tests do to it from outside the browser."""

    home: Path
    url: str
    token: str = field(repr=False)
    process: asyncio.subprocess.Process
    http: aiohttp.ClientSession
    staying: set[str] = field(default_factory=set)
    """Notebooks of which the kernels are not shut down after a test, as people of all tests of a module are in them."""
    _names: dict[str, int] = field(default_factory=dict)

    @classmethod
    async def start(cls, home: Path, *, spare: bool = False) -> Lab:
        """Start a server whose every directory is below `home`; its kernels run this interpreter.

        `spare` leaves out what a call has nothing to do with, which makes its pages appear sooner; one test of a call
        (in `test_blocked_networks.py`) runs in the whole of it, as people have it.
        """
        token = secrets.token_urlsafe(24)
        root = home / "notebooks"
        config = home / "config"
        for folder in (root, config / "labconfig", home / "data", home / "jupyter-runtime"):
            folder.mkdir(parents=True)
        (home / "hub-runtime").mkdir(mode=0o700)
        server_config = config / "jupyter_server_config.py"
        server_config.touch(mode=0o600)
        server_config.write_text(SERVER_CONFIG.format(token=token, root=str(root)))
        page_config = PAGE_CONFIG
        if spare:
            with server_config.open("a") as file:
                file.write(SPARE_CONFIG.format(extensions=SPARE_SERVER_EXTENSIONS))
            disabled = PAGE_CONFIG["disabledExtensions"] | dict.fromkeys(SPARE_EXTENSIONS, True)
            page_config = {"disabledExtensions": disabled, "buildAvailable": False, "buildCheck": False}
        (config / "labconfig" / "page_config.json").write_text(json.dumps(page_config))

        environment = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
        environment |= {
            "HOME": str(home),
            "JUPYTER_CONFIG_DIR": str(config),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "jupyter-runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
            "IPYTHONDIR": str(home / "ipython"),
            "ZEGO_WIDGET_RUNTIME_DIR": str(home / "hub-runtime"),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")])),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        }
        with (home / "jupyterlab.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "jupyterlab", "--no-browser",
                cwd=root, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        async with asyncio.timeout(90):
            url = await cls._wait_until_up(home, process)
        http = aiohttp.ClientSession(url, headers={"Authorization": f"token {token}"})
        return cls(home, url, token, process, http)

    @staticmethod
    async def _wait_until_up(home: Path, process: asyncio.subprocess.Process) -> str:
        runtime = home / "jupyter-runtime"
        while process.returncode is None:
            for info_file in runtime.glob("jpserver-*.json"):
                try:
                    info = json.loads(info_file.read_text())
                    async with aiohttp.ClientSession() as session, session.get(info["url"] + "api"):
                        return str(info["url"])
                except (ValueError, aiohttp.ClientError):
                    pass
            await asyncio.sleep(0.1)
        raise RuntimeError(f"JupyterLab ended at once:\n{(home / 'jupyterlab.log').read_text()}")

    async def aclose(self) -> None:
        self.staying.clear()
        await self._shutdown(await self._sessions_that_are_over())
        await self.http.close()
        self.process.terminate()
        try:
            async with asyncio.timeout(15):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        self.end_hub()

    def elsewhere(self, host: str) -> Lab:
        """The same server under another name of this machine."""
        return dataclasses.replace(self, url=self.url.replace("127.0.0.1", host).replace("localhost", host))

    def write_notebook(self, name: str, cells: list[str], *, metadata: dict[str, Any] | None = None) -> str:
        """Write a notebook that runs `cells`; returns its path below the server's root, never given twice."""
        count = self._names[name] = self._names.get(name, 0) + 1
        path = f"{name}-{count}.ipynb"
        document = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
            | (metadata or {}),
        )
        nbformat.write(document, self.home / "notebooks" / path)
        return path

    def read_notebook(self, path: str) -> Any:
        """The saved notebook file."""
        return nbformat.read(self.home / "notebooks" / path, as_version=4)

    async def trust(self, path: str) -> None:
        """Sign a notebook, as running its cells or `jupyter trust` does: JupyterLab then draws its saved widgets."""
        signing = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "nbformat.sign", str(self.home / "notebooks" / path),
            env={**os.environ, "JUPYTER_DATA_DIR": str(self.home / "data")}, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert await signing.wait() == 0

    async def shutdown_kernels(self) -> None:
        """Shut every kernel down the way the JupyterLab menu does, but those of who is `staying`.

        The server first has to know that a kernel's pages are gone. One that goes while the kernel is shut down leaves
        the server asking for that kernel's ports for ever, and what listens there next would hear it.
        """
        over = await self._sessions_that_are_over()
        with contextlib.suppress(TimeoutError):  # a page may be open still
            async with asyncio.timeout(5):
                while any(session["kernel"]["connections"] for session in over):
                    await asyncio.sleep(0.02)
                    over = await self._sessions_that_are_over()
        await self._shutdown(over)

    async def _sessions_that_are_over(self) -> list[dict[str, Any]]:
        async with self.http.get("api/sessions") as answer:
            sessions: list[dict[str, Any]] = await answer.json()
        return [session for session in sessions if session["path"] not in self.staying]

    async def _shutdown(self, sessions: list[dict[str, Any]]) -> None:
        await asyncio.gather(*(self._delete(f"api/sessions/{session['id']}") for session in sessions))

    async def _delete(self, path: str) -> None:
        async with self.http.delete(path):
            pass

    # -- the hub that the kernels of this server share -------------------------------------------------------

    def hub_info(self) -> dict[str, Any] | None:
        """What the hub's runtime file says, or None while there is no hub."""
        try:
            info: dict[str, Any] = json.loads((self.home / "hub-runtime" / "hub.json").read_text())
        except (OSError, ValueError):
            return None
        return info

    def hub_log(self) -> str:
        log = self.home / "hub-runtime" / "hub.log"
        return log.read_text(errors="replace") if log.is_file() else ""

    async def hub_status(self) -> dict[str, Any]:
        """The hub's own account of its rooms, sessions and streams."""
        info = self.hub_info()
        assert info is not None, "no hub is running"
        headers = {"Authorization": f"Bearer {info['secret']}"}
        url = info["url"].rstrip("/") + "/v1/status"
        async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
            status: dict[str, Any] = await answer.json()
            return status

    def end_hub(self) -> None:
        """End the hub that this server's kernels started, if it still runs."""
        info = self.hub_info()
        if info is None:
            return
        try:
            process = psutil.Process(info["pid"])
            process.terminate()
            process.wait(5)
        except psutil.NoSuchProcess:
            pass
        except psutil.TimeoutExpired:
            process.kill()
