"""The TypeScript types of the front end are those of `zego_widget.protocol`."""

from __future__ import annotations

import importlib.util
from pathlib import Path

GENERATOR = Path(__file__).parents[2] / "js" / "generate_protocol.py"


def test_typescript_types_are_those_of_the_protocol() -> None:
    spec = importlib.util.spec_from_file_location("generate_protocol", GENERATOR)
    assert spec is not None and spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)

    committed = generator.TARGET.read_text(encoding="utf-8")

    assert committed == generator.typescript(), "protocol.gen.ts is stale: run `npm run protocol` in js/"
