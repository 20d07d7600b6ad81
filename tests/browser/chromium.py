"""The Chromium of the browser tests: found on PATH, else installed.

`python -m tests.browser.chromium` makes sure there is one and prints where.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

DISABLED_FEATURES = (
    # Playwright's own list, which this one replaces.
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades"),
    *("HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding"),
    *("ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect", "TcpPortRandomizationWin"),
    *("OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch"),
    # Pages that the address bar loads for every window: nobody sees them, and they take a fifth of JupyterLab's time.
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup"),
)

FLAGS = (
    "--headless",
    f"--disable-features={','.join(DISABLED_FEATURES)}",
    "--disable-gpu",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # A name of this machine that is no localhost: a page from there is not secure.
    "--host-resolver-rules=MAP notebook.test 127.0.0.1",
    # Pages of several people share one browser; none of them may be slowed down for being in the background.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
)


class NoChromium(RuntimeError):
    """No browser can be had; the message says what was tried."""


def flags() -> list[str]:
    """The command line the tests need; without the sandbox where Chromium refuses to have one (root)."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*FLAGS, *(["--no-sandbox"] if is_root else [])]


def find() -> Path | None:
    """A Chromium of the system, or the one Playwright downloaded before."""
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        downloaded = Path(playwright.chromium.executable_path)
    return downloaded if downloaded.is_file() else None


def obtain() -> Path:
    """Find a Chromium or install one: with apt-get on Debian as root, else with Playwright's own download."""
    if found := find():
        return found
    tried = []
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        print("installing Chromium with apt-get", file=sys.stderr)
        tried.append("apt-get install chromium")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for step in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
            if subprocess.run(["apt-get", *step], env=environment, stdout=subprocess.DEVNULL).returncode:
                break
        if found := find():
            return found
    print("downloading Chromium with Playwright", file=sys.stderr)
    tried.append("playwright install chromium")
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], stdout=subprocess.DEVNULL)
    if found := find():
        return found
    raise NoChromium(
        "the browser tests need Chromium and none could be had (tried: "
        f"{', '.join(NAMES)} on PATH, {', '.join(tried)}); install chromium and run this again"
    )


if __name__ == "__main__":
    try:
        print(obtain())
    except NoChromium as error:
        sys.exit(f"zego_widget: {error}")
