"""The command line: `zego-widget serve | token | status | stop | doctor`."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .credentials import (
    APP_ID_VARIABLE,
    APP_SIGN_VARIABLE,
    SERVER_SECRET_VARIABLE,
    App,
    apps_from_environment,
    apps_from_file,
)
from .errors import ErrorCode, HubUnreachable, InvalidArgument, ZegoError
from .hub.settings import HubSettings
from .model import User

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
    serve.add_argument("--media-host", default="", metavar="HOST", help="address for media (default: that of --host)")
    serve.add_argument(
        "--media-port", type=_port, default=0, help="port of the media, UDP and TCP (default: any free one)"
    )
    serve.add_argument(
        "--public-address",
        action="append",
        default=[],
        metavar="ADDRESS[:PORT]",
        help="where browsers find the media port, if not at --media-host, such as the near end of a port forward; "
        "may be given several times",
    )
    serve.add_argument(
        "--apps",
        type=Path,
        metavar="FILE",
        help="JSON list of apps with app_id, app_sign and server_secret, readable for you alone "
        f"(default: {APP_ID_VARIABLE}, {APP_SIGN_VARIABLE} and {SERVER_SECRET_VARIABLE}, or an app of the hub's own)",
    )
    serve.add_argument(
        "--secret-file",
        type=Path,
        metavar="FILE",
        help="keep the hub's secret in this file, which is made with mode 0600: those who were given it come back to "
        "the next hub at the same port (default: every hub has its own)",
    )
    serve.set_defaults(run=_serve)

    token = commands.add_parser(
        "token",
        help="print a token for a user",
        description=f"Print a token for a user. It is signed for the app of --apps, of {APP_ID_VARIABLE} and "
        f"{SERVER_SECRET_VARIABLE}, or of the hub that runs, in this order.",
    )
    token.add_argument("--user", required=True, metavar="ID", help="who may log in with it")
    token.add_argument("--room", default="", metavar="ID", help="the only room it is for (default: any, all allowed)")
    token.add_argument("--publish", action="store_true", help="allow to publish in that room")
    token.add_argument("--lifetime", type=_seconds, default=3600, metavar="SECONDS", help="default: %(default)s")
    token.add_argument("--apps", type=Path, metavar="FILE", help="file as of serve --apps")
    token.add_argument("--app-id", type=int, metavar="ID", help="which app, where there are several")
    token.set_defaults(run=_token)

    status = commands.add_parser("status", help="show the hub that runs")
    status.add_argument("--json", action="store_true", help="the whole status as JSON")
    status.set_defaults(run=_status)

    doctor = commands.add_parser("doctor", help="say whether a call can work, and what to do where it can not")
    doctor.add_argument("--hub", metavar="URL", help="a hub elsewhere (default: the one that runs, or one for this)")
    doctor.add_argument(
        "--secret-file",
        type=Path,
        metavar="FILE",
        help="file of mode 0600 with the secret of --hub, such as its hub.json",
    )
    doctor.add_argument("--json", action="store_true", help="the findings as JSON")
    doctor.set_defaults(run=_doctor)

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


def _seconds(text: str) -> int:
    try:
        seconds = int(text)
    except ValueError:
        seconds = 0
    if seconds <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of seconds above 0")
    return seconds


def _serve(options: argparse.Namespace) -> int:
    from .hub import process
    from .hub.kept_secret import kept_secret

    if not _is_loopback(options.host):
        print(
            f"Warning: {options.host} can be reached from other machines, and the hub's connections are not encrypted "
            "on the way; use a trusted network only.",
            file=sys.stderr,
        )

    def ready(url: str, media_port: int) -> None:
        print(f"The hub listens on {url}, media on UDP and TCP port {media_port}. Ctrl+C stops it.", flush=True)

    settings = HubSettings(
        host=options.host,
        port=options.port,
        media_host=options.media_host,
        media_port=options.media_port,
        public_addresses=tuple(options.public_address),
    )
    secret = kept_secret(options.secret_file) if options.secret_file else ""
    apps = apps_from_file(options.apps) if options.apps else ()
    return process.run(settings, apps=apps, ready=ready, secret=secret)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _token(options: argparse.Namespace) -> int:
    from . import tokens
    from .room.ids import check_room_id, check_user

    check_user(User(options.user))
    payload = ""
    if options.room:
        check_room_id(options.room)
        payload = tokens.privilege_payload(options.room, publish=options.publish)
    app = _signing_app(options)
    print(tokens.sign(app.app_id, options.user, app.server_secret, options.lifetime, payload))
    return 0


def _signing_app(options: argparse.Namespace) -> App:
    from .hub import discovery

    apps = apps_from_file(options.apps) if options.apps else apps_from_environment()
    if not apps and (address := discovery.read_address()) is not None and address.app is not None:
        apps = [address.app]
    if not apps:
        raise InvalidArgument(
            f"There is no app to sign for: give --apps, or {APP_ID_VARIABLE} and {SERVER_SECRET_VARIABLE}, "
            "or start a hub.",
            ErrorCode.ENGINE_APPID_ZERO,
        )
    wanted = [app for app in apps if options.app_id in (None, app.app_id)]
    if len(wanted) != 1:
        known = ", ".join(str(app.app_id) for app in apps)
        raise InvalidArgument(f"Say with --app-id which app is meant: {known}.", ErrorCode.ENGINE_APPID_ZERO)
    if not wanted[0].server_secret:
        raise InvalidArgument(f"App {wanted[0].app_id} has no server secret to sign with.")
    return wanted[0]


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
    if refused := {name: count for name, count in status.refusals.items() if count}:
        print("refused, dropped, slowed down or closed since the start (docs/counters.md):")
        for name, count in refused.items():
            print(f"  {name:<40}{count}")
    return 0


async def _ask_status() -> HubStatus | None:
    from .hub import discovery

    address = discovery.read_address()
    return None if address is None else await discovery.status_of(address)


def _doctor(options: argparse.Namespace) -> int:
    from . import doctor
    from .doctor.examination import examine

    if options.secret_file is not None and options.hub is None:
        raise InvalidArgument("--secret-file belongs to --hub.")
    findings = asyncio.run(examine(options.hub, options.secret_file))
    print(doctor.as_json(findings) if options.json else doctor.as_text(findings))
    return 0 if doctor.can_call(findings) else 1


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
