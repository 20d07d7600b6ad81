"""Write `src/protocol.gen.ts`: the messages of `zego_widget.protocol` as TypeScript types.

    python js/generate_protocol/

`tests/unit/test_protocol_types.py` fails when the file is stale. msgspec always writes every field, defaults
included, and the page does the same, so no field is optional.
"""

from __future__ import annotations

import sys
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

REPOSITORY = Path(__file__).resolve().parent.parent
TARGET = REPOSITORY / "js" / "src" / "protocol.gen.ts"
LINE_WIDTH = 100
CONSTANTS = ("PROTOCOL_VERSION", "MAX_MESSAGE_BYTES", "MAX_SDP_BYTES", "CONTROL_LABEL", "PLAY_LIMIT")


def typescript() -> str:
    """The text of `protocol.gen.ts`, formatted as Biome formats it."""
    if str(REPOSITORY) not in sys.path:
        sys.path.insert(0, str(REPOSITORY))
    from zego_widget import model, protocol
    from zego_widget.errors import ErrorCode

    enums: dict[str, type[Enum]] = {"ErrorCode": ErrorCode, "CallState": model.CallState}
    records: dict[str, str] = {}
    unions: list[str] = []
    for name, union in protocol.UNIONS.items():
        members = [_declare(info, enums, records) for info in _members(inspect.type_info(union))]
        unions.append(_union(name, members))
    _declare(inspect.type_info(protocol.PageMedia), enums, records)

    parts = ["// Written by js/generate_protocol/ from zego_widget/protocol.py; do not edit."]
    parts.append("\n".join(f"export const {name} = {_literal(getattr(protocol, name))};" for name in CONSTANTS))
    parts += [_enum(cls) for _, cls in sorted(enums.items())]
    parts += [records[name] for name in sorted(records)]
    parts += unions
    return "\n\n".join(parts) + "\n"


def _members(info: inspect.Type) -> tuple[inspect.Type, ...]:
    return info.types if isinstance(info, inspect.UnionType) else (info,)


def _declare(info: inspect.Type, enums: dict[str, type[Enum]], records: dict[str, str]) -> str:
    """The TypeScript name of a type; declares records and enums on the way."""
    match info:
        case inspect.StructType(cls=cls, fields=fields):
            lines = [] if info.tag is None else [f"  type: {_literal(info.tag)};"]
            return _record(cls, fields, lines, enums, records)
        case inspect.DataclassType(cls=cls, fields=fields):
            return _record(cls, fields, [], enums, records)
        case inspect.EnumType(cls=cls):
            enums[cls.__name__] = cls
            return cls.__name__
        case inspect.LiteralType(values=values):
            return " | ".join(sorted(_literal(value) for value in values))
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            name = _declare(item, enums, records)
            return f"({name})[]" if " " in name else f"{name}[]"
        case inspect.DictType(value_type=value):
            return f"Record<string, {_declare(value, enums, records)}>"
        case inspect.UnionType(types=types):
            return " | ".join(_declare(member, enums, records) for member in types)
        case inspect.StrType():
            return "string"
        case inspect.BoolType():
            return "boolean"
        case inspect.IntType() | inspect.FloatType():
            return "number"
        case inspect.NoneType():
            return "null"
    raise TypeError(f"{info!r} has no TypeScript type yet.")


def _record(
    cls: type[Any],
    fields: tuple[inspect.Field, ...],
    lines: list[str],
    enums: dict[str, type[Enum]],
    records: dict[str, str],
) -> str:
    name = cls.__name__
    if name not in records:
        records[name] = ""  # a record may contain itself
        lines = lines + [f"  {field.encode_name}: {_declare(field.type, enums, records)};" for field in fields]
        records[name] = _documented(cls, f"export interface {name} {{\n" + "\n".join(lines) + "\n}")
    return name


def _enum(cls: type[Enum]) -> str:
    name = cls.__name__
    if not issubclass(cls, IntEnum):
        return _documented(cls, _union(name, [_literal(member.value) for member in cls]))
    lines = "\n".join(f"  {member.name}: {member.value}," for member in cls)
    values = f"export const {name} = {{\n{lines}\n}} as const;"
    alias = _broken_after_equals(f"export type {name} = (typeof {name})[keyof typeof {name}];")
    return f"{_documented(cls, values)}\n{alias}"


def _broken_after_equals(line: str) -> str:
    return line if len(line) <= LINE_WIDTH else line.replace(" = ", " =\n  ", 1)


def _union(name: str, members: list[str]) -> str:
    line = f"export type {name} = {' | '.join(members)};"
    if len(line) <= LINE_WIDTH:
        return line
    return f"export type {name} =\n" + "\n".join(f"  | {member}" for member in members) + ";"


def _literal(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _documented(cls: type[Any], declaration: str) -> str:
    sentence = (cls.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
    return f"/** {' '.join(sentence.split())} */\n{declaration}"


if __name__ == "__main__":
    TARGET.write_text(typescript(), encoding="utf-8")
