"""What runs beside what when several processes share the tests, as in `make test`."""

from __future__ import annotations

from pathlib import Path

import pytest

BROWSER = Path(__file__).with_name("browser")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Demanding tests run in one process, one after another; of all others, those of a file stay together."""
    for item in items:
        is_demanding = item.path.is_relative_to(BROWSER) or item.get_closest_marker("demanding")
        item.add_marker(pytest.mark.xdist_group("demanding" if is_demanding else item.location[0]))
