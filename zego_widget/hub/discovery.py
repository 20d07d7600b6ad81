"""Finding the hub of this user on this machine, or starting it.

The runtime directory (0700) holds `hub.json` (0600: where the hub listens, its secret, and the app it has for this
user), `hub.lock` (taken by whoever starts a hub), `hub.log` (with `hub.log.old`, what was there before it grew too
large) and, where the hub was given apps, `used_tokens.jsonl` (0600: digests of tokens that let somebody in).

Whether `hub.json` tells the truth is asked of the hub itself: a process ID may long belong to somebody else, but only
the hub that wrote the file knows its secret.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import stat
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import filelock
import msgspec
import platformdirs

from ..credentials import App
from ..errors import ErrorCode, HubUnreachable, Refused, Unauthorized, ZegoError
from ..protocol import PROTOCOL_VERSION
from .status import HubStatus

RUNTIME_DIR_VARIABLE = "ZEGO_WIDGET_RUNTIME_DIR"
HUB_FILE = "hub.json"
LOCK_FILE = "hub.lock"
LOG_FILE = "hub.log"
USED_TOKENS_FILE = "used_tokens.jsonl"

ASK_TIMEOUT = 5.0
START_TIMEOUT = 30.0
STOP_TIMEOUT = 10.0
_MAX_ANSWER = 1 << 20
MAX_LOG = 1 << 20
"""Bytes of `hub.log`; one that has grown larger becomes `hub.log.old`."""
_POLL = 0.02
_ATTEMPTS = 3
_PAUSE = 0.2
"""Seconds after which who was hung up on asks again; a hub that is just ending is gone by then."""
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]

if sys.platform == "win32":
    _DETACHED = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
else:
    _DETACHED = 0

# The hub does not run in the notebook's directory, whose modules are none of its business; the package may live there.
_LAUNCH = (
    "import sys; root = sys.argv.pop(); root in sys.path or sys.path.insert(0, root); "
    "from zego_widget.hub.process import launch; launch()"
)


class HubAddress(msgspec.Struct, frozen=True):
    """Where a hub listens and what it asks for; the content of `hub.json`."""

    url: str
    """`http://address:port`."""
    secret: str
    pid: int
    version: str
    protocol: int
    app: App | None = None
    """What this user's kernels log in to: the first app that the hub was given, or the one it made.

    None in the file of a hub that is older than apps.
    """

    def __repr__(self) -> str:
        return f"HubAddress(url={self.url!r}, pid={self.pid}, version={self.version!r}, protocol={self.protocol})"

    @property
    def headers(self) -> dict[str, str]:
        """What every request to this hub has to carry."""
        return {"Authorization": f"Bearer {self.secret}"}


def runtime_directory(path: Path | None = None) -> Path:
    """The user's private directory for the hub's files, created where it is missing.

    Raises `Unauthorized` if it is not a directory of ours that nobody else can enter.
    """
    if path is None:
        named = os.environ.get(RUNTIME_DIR_VARIABLE)
        path = Path(named) if named else _default_runtime_directory()
    path = path.absolute()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise Unauthorized(f"The runtime directory {path} cannot be used: {error.strerror}.") from error
    if sys.platform != "win32":
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise Unauthorized(f"The runtime directory {path} does not belong to this user.")
        if found.st_mode & 0o077:
            raise Unauthorized(f"The runtime directory {path} is open to other users; make its mode 0700.")
    return path


def _default_runtime_directory() -> Path:
    # The fallback is as private as what it stands for, so it is nothing to tell people in their notebooks.
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
    try:
        return platformdirs.user_runtime_path("zego-widget")
    except OSError as error:
        raise Unauthorized(f"There is no private runtime directory: {error}.") from error


def read_address(directory: Path | None = None) -> HubAddress | None:
    """What `hub.json` says, None if there is none that makes sense; whether it is still true is another question.

    Raises `Unauthorized` if the file is not ours alone.
    """
    data = read_private(runtime_directory(directory) / HUB_FILE)
    try:
        return None if data is None else msgspec.json.decode(data, type=HubAddress)
    except (msgspec.DecodeError, UnicodeError):
        return None


def read_private(path: Path) -> bytes | None:
    """A file with secrets, at most 64 KiB of it; None where there is none.

    Raises `Unauthorized` if it is not ours alone or cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unauthorized(f"{path} cannot be read: {error.strerror}.") from error
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if sys.platform != "win32" and (found.st_uid != os.geteuid() or found.st_mode & 0o077):
            raise Unauthorized(f"{path} is not this user's alone.")
        return file.read(64 * 1024)


def publish(directory: Path, address: HubAddress) -> bool:
    """Write `hub.json` in one step, readable for us alone from the start; False if another hub was faster."""
    path = directory / HUB_FILE
    draft = directory / f".{HUB_FILE}.{secrets.token_hex(8)}"
    with open(draft, "xb", opener=_private) as file:
        file.write(msgspec.json.encode(address))
        file.flush()
        os.fsync(file.fileno())
    try:
        # Unlike a rename, a link never replaces what is there: of two hubs at once only one gets the name.
        os.link(draft, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        if path.exists():
            return False
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    return True


def withdraw(directory: Path, address: HubAddress) -> None:
    """Remove `hub.json` if it is the one of `address`."""
    with contextlib.suppress(Unauthorized, OSError):
        if read_address(directory) == address:
            (directory / HUB_FILE).unlink()


def open_log(directory: Path) -> int:
    """A descriptor that appends to `hub.log`; a log that has grown large makes room first."""
    path = directory / LOG_FILE
    with contextlib.suppress(OSError):
        if path.lstat().st_size > MAX_LOG:
            path.replace(directory / f"{LOG_FILE}.old")
    return _private(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


async def ask(address: HubAddress, method: str = "GET", path: str = "/v1/status") -> bytes | None:
    """The body of the hub's answer, None if that hub is gone.

    Raises `HubUnreachable` if something listens there but does not answer: a hub that is at its limits hangs up, or
    fails, and is no less the hub for that.
    """
    silent = HubUnreachable(f"The hub at {address.url} (process {address.pid}) does not answer.")
    for _ in range(_ATTEMPTS):
        try:
            return await _ask_once(address, method, path)
        except TimeoutError:
            raise silent from None
        except _HungUp:
            if not runs(address.pid):
                return None
        await asyncio.sleep(_PAUSE)
    raise silent


class _HungUp(Exception):
    """The connection ended without an answer, or the answer is that it could not be given."""


async def _ask_once(address: HubAddress, method: str, path: str) -> bytes | None:
    try:
        timeout = aiohttp.ClientTimeout(total=ASK_TIMEOUT)
        async with (
            aiohttp.ClientSession(headers=address.headers, timeout=timeout) as session,
            session.request(method, address.url + path, allow_redirects=False) as response,
        ):
            if response.status >= 500:
                raise _HungUp
            # The port of a hub that is gone may belong to anybody by now.
            return await response.content.read(_MAX_ANSWER) if response.status in (200, 202) else None
    except TimeoutError:
        raise
    except aiohttp.ClientConnectorError:
        return None
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError, OSError):
        raise _HungUp from None
    except (aiohttp.ClientError, ValueError):
        return None


def runs(pid: int) -> bool:
    """Whether there is a process of ours with this ID, as far as that can be known."""
    if sys.platform == "win32":  # where this signal would end it
        return False
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


async def status_of(address: HubAddress) -> HubStatus | None:
    """The status of a hub, None if it is gone; raises `HubUnreachable` if it does not answer."""
    body = await ask(address)
    if body is None:
        return None
    try:
        return msgspec.json.decode(body, type=HubStatus)
    except msgspec.DecodeError as error:
        raise HubUnreachable(f"What listens at {address.url} gives no status this version understands.") from error


async def find(directory: Path | None = None) -> HubAddress | None:
    """The hub that runs now, if one does; raises `HubUnreachable` if it does not answer."""
    address = read_address(directory)
    if address is None or await ask(address) is None:
        return None
    return address


async def find_or_start(runtime_dir: Path | None = None) -> HubAddress:
    """The hub of this user on this machine; it is started if none runs, or only an idle one of another version.

    Raises `HubUnreachable` if it cannot be started or does not answer, `Refused` if the one that runs speaks another
    version of the protocol and is in use or somebody's own, `Unauthorized` if the runtime directory is not private.
    """
    directory = runtime_directory(runtime_dir)
    try:
        address = await find(directory)
        if address is None or address.protocol != PROTOCOL_VERSION:
            async with starting(directory):
                address = await find(directory)
                if address is not None and address.protocol != PROTOCOL_VERSION:
                    await _give_way(address)
                    address = None
                if address is None:
                    forget_stale(directory)
                    await _start(directory)
                    address = await find(directory)
    except ZegoError:
        raise
    except OSError as error:  # no memory for another process, no room on the disk: that may pass
        raise HubUnreachable(f"The hub cannot be started: {error.strerror}.") from error
    if address is None:
        raise HubUnreachable(f"The hub did not start. {_last_words(directory)}")
    return address


class OtherStatus(msgspec.Struct):
    """What a hub of any version says of its use."""

    managed: bool = False
    sessions: int = 1

    @property
    def gives_way(self) -> bool:
        """Whether a hub of another version may end it: kernels started it, and nobody is on it."""
        return self.managed and self.sessions == 0


async def _give_way(address: HubAddress) -> None:
    """End an idle hub of another version; raises `Refused` if it is not idle, or somebody's own."""
    try:
        status = msgspec.json.decode(await ask(address) or b"{}", type=OtherStatus)
    except (msgspec.DecodeError, UnicodeError):
        status = OtherStatus()
    if not status.gives_way:
        use = "is in use" if status.managed else "was started by `zego-widget serve`"
        raise Refused(
            f"A hub of zego-widget {address.version} runs and {use}, which speaks protocol {address.protocol}; this "
            f"version speaks {PROTOCOL_VERSION}. End it with `zego-widget stop` and try again.",
            ErrorCode.PROTOCOL_VERSION_MISMATCH,
        )
    await ask(address, "POST", "/v1/stop")
    deadline = asyncio.get_running_loop().time() + STOP_TIMEOUT
    while await ask(address) is not None:
        if asyncio.get_running_loop().time() > deadline:
            raise HubUnreachable(f"The hub of zego-widget {address.version} was asked to stop but still answers.")
        await asyncio.sleep(_POLL)


@contextlib.asynccontextmanager
async def starting(directory: Path) -> AsyncIterator[None]:
    """Hold the lock of everyone who looks for a hub and may start one; raises `HubUnreachable` if it stays taken."""
    lock = filelock.FileLock(directory / LOCK_FILE, mode=0o600, thread_local=False)
    deadline = asyncio.get_running_loop().time() + START_TIMEOUT
    while True:
        try:
            lock.acquire(blocking=False)
            break
        except filelock.Timeout:
            if asyncio.get_running_loop().time() > deadline:
                raise HubUnreachable("Another process has been starting the hub for too long.") from None
            await asyncio.sleep(_POLL)
    try:
        yield
    finally:
        lock.release()


def forget_stale(directory: Path) -> None:
    """Remove the `hub.json` of a hub that is known to be gone; call it with the lock held."""
    (directory / HUB_FILE).unlink(missing_ok=True)


async def _start(directory: Path) -> None:
    """Start a hub that outlives this process, and wait until it listens or has failed."""
    process = _launch(directory)
    deadline = asyncio.get_running_loop().time() + START_TIMEOUT
    try:
        # The launcher ends when the hub is ready (where there is no fork it is the hub itself and goes on).
        while process.poll() is None and not (sys.platform == "win32" and (directory / HUB_FILE).exists()):
            if asyncio.get_running_loop().time() > deadline:
                raise HubUnreachable(f"The hub did not become ready. {_last_words(directory)}")
            await asyncio.sleep(_POLL)
    finally:
        if sys.platform != "win32" and process.poll() is None:
            process.kill()
            process.wait()


def _launch(directory: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {RUNTIME_DIR_VARIABLE: str(directory)}
    if search := environment.get("PYTHONPATH"):
        # The hub runs in another directory, so that it holds on to none of the user's.
        environment["PYTHONPATH"] = os.pathsep.join(str(Path(each).absolute()) for each in search.split(os.pathsep))
    log = open_log(directory)
    try:
        return subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, str(_PACKAGE_ROOT)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=_PACKAGE_ROOT.anchor,
            env=environment,
            start_new_session=True,
            creationflags=_DETACHED,
        )
    finally:
        os.close(log)


def _last_words(directory: Path) -> str:
    try:
        lines = (directory / LOG_FILE).read_text(errors="replace")[-4000:].split("\n")
    except OSError:
        lines = []
    last = next((line.strip() for line in reversed(lines) if line.strip()), "nothing")
    return f"Its log {directory / LOG_FILE} ends with: {last[:300]}"


def _private(path: str | os.PathLike[str], flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)
