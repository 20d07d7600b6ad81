"""The command line: `zego-widget serve | status | stop`."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .errors import HubUnreachable, ZegoError
from .hub.settings import HubSettings

if TYPE_CHECKING:
    from .hub.status import HubStatus


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 1 refused or nothing there, 2 wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except ZegoError as error:
        print(f"zego-widget: {error.message}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="zego-widget", description="Video calls in notebooks: the hub.")
    commands = parser.add_subparsers(required=True, metavar="command")

    serve = commands.add_parser("serve", help="run a hub until it is stopped")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument("--port", type=_port, default=0, help="TCP port of the hub (default: any free one)")
    serve.add_argument("--media-port", type=_port, default=0, help="UDP port of the media (default: any free one)")
    serve.set_defaults(run=_serve)

    status = commands.add_parser("status", help="show the hub that runs")
    status.add_argument("--json", action="store_true", help="the whole status as JSON")
    status.set_defaults(run=_status)

    stop = commands.add_parser("stop", help="stop the hub that runs; calls on it end")
    stop.set_defaults(run=_stop)
    return parser


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port number (0 to 65535)")
    return port


def _serve(options: argparse.Namespace) -> int:
    from .hub import process

    if not _is_loopback(options.host):
        print(
            f"Warning: {options.host} can be reached from other machines, and the hub's connections are not encrypted "
            "on the way; use a trusted network only.",
            file=sys.stderr,
        )

    def ready(url: str, media_port: int) -> None:
        print(f"The hub listens on {url}, media on UDP port {media_port}. Ctrl+C stops it.", flush=True)

    settings = HubSettings(host=options.host, port=options.port, media_port=options.media_port)
    return process.run(settings, ready=ready)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _status(options: argparse.Namespace) -> int:
    import msgspec

    from .hub import discovery

    status = asyncio.run(_ask_status())
    if options.json:
        if status is None:
            print(json.dumps(None))
            return 1
        print(json.dumps(msgspec.to_builtins(status), indent=2))
        return 0
    if status is None:
        raise HubUnreachable(f"No hub runs for this user ({discovery.runtime_directory()}).")
    for name in ("url", "pid", "version", "rooms", "sessions", "streams"):
        print(f"{name:<18}{getattr(status, name)}")
    print(f"{'packets forwarded':<18}{status.packets_forwarded}")
    return 0


async def _ask_status() -> HubStatus | None:
    from .hub import discovery

    address = discovery.read_address()
    return None if address is None else await discovery.status_of(address)


def _stop(options: argparse.Namespace) -> int:
    return asyncio.run(_stop_hub())


async def _stop_hub() -> int:
    from .hub import discovery

    address = discovery.read_address()
    if address is None or await discovery.ask(address, "POST", "/v1/stop") is None:
        print("No hub runs for this user.")
        return 0
    for _ in range(100):
        if await discovery.ask(address) is None:
            print(f"The hub (process {address.pid}) has stopped.")
            return 0
        await asyncio.sleep(0.05)
    raise HubUnreachable(f"The hub (process {address.pid}) was asked to stop but still answers.")
