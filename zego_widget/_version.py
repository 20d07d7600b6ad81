"""The version of the installed package."""

from __future__ import annotations

from functools import cache
from importlib import metadata


@cache
def version() -> str:
    """As installed, or "0.0.0+unknown" where the package runs without being installed."""
    try:
        return metadata.version("zego-widget")
    except metadata.PackageNotFoundError:
        return "0.0.0+unknown"
