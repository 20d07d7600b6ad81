"""The shape of the package: imports point one way, the kernel side stays light, files stay readable."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import aiortc
import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "zego_widget"
SOURCES = sorted(PACKAGE.rglob("*.py"))

VOCABULARY = {"model", "errors", "error_codes", "_version"}
KERNEL_SIDE = {
    "io_thread",
    "comm_route",
    "link",
    "link_socket",
    "reconnection",
    "retry",
    "call_state",
    "call",
    "view_widget",
    "widget",
    "video_view",
    "engine",
}
KERNEL_SIDE_EXCEPTIONS = {"zego_widget.hub.discovery", "zego_widget.room.ids"}

# What each part may import of the package, besides itself. Parts are modules or sub-packages of zego_widget.
MAY_IMPORT = {
    "_version": set(),
    "model": set(),
    "errors": {"error_codes"},
    "error_codes": set(),
    "protocol": VOCABULARY,
    "wire": {"protocol"} | VOCABULARY,
    "tokens": VOCABULARY,
    "credentials": {"tokens", "protocol"} | VOCABULARY,
    "room": VOCABULARY,
    "invitation": VOCABULARY,
    "forwarder": VOCABULARY,
    "outbox": set(),
    "way_out": set(),
    "hub": {"outbox", "room", "invitation", "forwarder", "protocol", "wire", "tokens", "credentials"} | VOCABULARY,
    "media": {"protocol", "wire", "retry", "way_out"} | VOCABULARY,
    "io_thread": VOCABULARY,
    "comm_route": VOCABULARY,
    "call_state": VOCABULARY,
    "retry": set(),
    "link_socket": {"protocol", "wire", "way_out"} | VOCABULARY,
    "reconnection": {"link_socket", "outbox", "retry", "protocol"} | VOCABULARY,
    "link": {"reconnection", "link_socket", "outbox", "retry", "protocol", "wire"} | VOCABULARY,
    "call": {"call_state", "engine", "protocol"} | VOCABULARY,
    "view_widget": {"comm_route", "engine", "protocol", "wire"} | VOCABULARY,
    "widget": {"view_widget", "call", "engine", "io_thread", "protocol", "room"} | VOCABULARY,
    "video_view": {"view_widget", "io_thread", "protocol", "engine"} | VOCABULARY,
    "engine": {"doctor", "credentials", "media", "link", "retry", "io_thread", "protocol", "hub", "room"} | VOCABULARY,
    "testing": {"engine", "credentials", "io_thread", "protocol", "hub", "forwarder", "media", "widget", "view_widget"}
    | VOCABULARY,
    "doctor": {"hub", "forwarder", "link", "retry", "protocol", "credentials"} | VOCABULARY,
    "cli": {"hub", "doctor", "protocol", "credentials", "tokens", "room", "__init__"} | VOCABULARY,
}

NO_IO = {"asyncio", "socket", "selectors", "ssl", "threading", "subprocess", "time", "aiohttp", "aiortc", "msgspec"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in SOURCES}


def imports(path: Path, *, at_run_time: bool = False) -> Iterator[str]:
    """Full dotted names a file imports; `at_run_time` leaves out what only type checkers see."""
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    tree = ast.parse(path.read_text(), str(path))
    skipped: set[ast.AST] = set()
    if at_run_time:
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                skipped.update(inner for statement in node.body for inner in ast.walk(statement))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                # `from . import protocol` names a module, `from .protocol import Hello` something inside one.
                inner = f"{source}.{alias.name}"
                yield inner if inner in MODULES else source


def part_of(module: str) -> str:
    """The module or sub-package directly below zego_widget that a module belongs to."""
    _, _, below = module.partition(".")
    return below.split(".")[0] or "__init__"


def is_ours(module: str) -> bool:
    return module.split(".")[0] == "zego_widget"


def run_time_closure(module: str) -> set[str]:
    """Every module of the package that importing `module` executes."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        while name not in MODULES:
            name = name.rpartition(".")[0]
        if name in seen:
            continue
        seen.add(name)
        waiting += [found for found in imports(MODULES[name], at_run_time=True) if is_ours(found)]
        if parent := name.rpartition(".")[0]:
            waiting.append(parent)
    return seen


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    part = part_of(module_name(path))
    if part not in MAY_IMPORT:
        return
    wrong = {name for name in imports(path) if is_ours(name) and part_of(name) not in MAY_IMPORT[part] | {part}}
    assert not wrong, f"{path.relative_to(ROOT)} must not import {sorted(wrong)}"


@pytest.mark.parametrize("part", ["forwarder", "hub"])
def test_no_module_imports_in_a_circle(part: str) -> None:
    graph = {
        name: {found for found in imports(path) if part_of(found) == part}
        for name, path in MODULES.items()
        if part_of(name) == part
    }
    TopologicalSorter(graph).prepare()  # raises `CycleError`, which names the circle


def test_every_part_has_a_rule() -> None:
    unknown = {part_of(name) for name in MODULES} - set(MAY_IMPORT) - {"__init__", "__main__"}
    assert not unknown, f"say in MAY_IMPORT what {sorted(unknown)} may import"


def test_kernel_side_takes_only_discovery_and_id_rules_from_the_hubs_side() -> None:
    for name, path in MODULES.items():
        if part_of(name) in KERNEL_SIDE:
            foreign = {found for found in imports(path) if is_ours(found) and part_of(found) in {"hub", "room"}}
            assert foreign <= KERNEL_SIDE_EXCEPTIONS, f"{name} imports {sorted(foreign)}"


def test_finding_the_hub_does_not_load_it() -> None:
    loaded = {part_of(name) for name in run_time_closure("zego_widget.hub.discovery")}
    assert not loaded & {"room", "forwarder"}


def test_rooms_and_calls_are_pure_state() -> None:
    for name, path in MODULES.items():
        if part_of(name) in {"room", "invitation"}:
            wrong = {found for found in imports(path) if found.split(".")[0] in NO_IO}
            assert not wrong, f"{name} imports {sorted(wrong)}; time and I/O are the caller's"


def test_only_two_modules_stand_below_aiortcs_public_names() -> None:
    public = {*aiortc.__all__, "MediaDescription", "SessionDescription"}
    users = set()
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "aiortc":
                if {alias.name for alias in node.names} - public:
                    users.add(name)
            elif isinstance(node, ast.Import) and any(alias.name.startswith("aiortc.") for alias in node.names):
                users.add(name)
    assert users <= {"zego_widget.forwarder.aiortc_transport", "zego_widget.media.codec_seam"}


def test_forwarding_never_decodes() -> None:
    for name, path in MODULES.items():
        if part_of(name) in {"forwarder", "hub"}:
            wrong = {
                found for found in imports(path) if found.split(".")[0] == "av" or found.startswith("aiortc.codecs")
            }
            assert not wrong, f"{name} imports {sorted(wrong)}"


def test_importing_the_package_is_light() -> None:
    """A notebook's first cell must not pay for what only the hub process needs."""
    heavy = ["aiortc", "av", "OpenSSL", "pylibsrtp", "uvloop"]
    code = f"import sys; from zego_widget import CallWidget; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_outgrows_a_reader(path: Path) -> None:
    written = [line for line in path.read_text().splitlines() if line.strip()]
    assert len(written) <= 450
