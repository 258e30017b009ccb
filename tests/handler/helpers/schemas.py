"""The JSON Schemas of the events, as docs/events has them."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMAS = {
    path.name: json.loads(path.read_text(encoding="utf-8"))
    for path in (Path(__file__).parents[3] / "docs" / "events").glob("*.json")
}


def assert_documented(event: dict[str, Any]) -> None:
    """Whether the event is of a type that has a schema, and its detail as that says, with nothing beside it."""
    validator = _validators()[event["detail-type"]]
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(event["detail"])] == []


@functools.cache
def _validators() -> dict[str, Any]:
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)
    checker = Draft202012Validator.FORMAT_CHECKER
    return {
        schema["title"]: Draft202012Validator(_closed(schema), format_checker=checker) for schema in SCHEMAS.values()
    }


def _closed(schema: Any) -> Any:
    """The schema of objects that have nothing beside its properties: consumers must bear more, but none is sent."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(part) for key, part in schema.items()}
    return {**closed, "additionalProperties": False} if schema.get("type") == "object" else closed
