"""This document: all that machines can ask, as OpenAPI 3.1 describes it."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import sys
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from handler.showing.reading import Reading
from handler.showing.rendering import Renderer, View

if TYPE_CHECKING:
    from handler.showing.pages import Resource

_INTRODUCTION = (
    "What a page shows is here as JSON: its address with `/api` before it. Every request is a GET, signed with AWS"
    " Signature Version 4 for the service `lambda`; `curl --aws-sigv4` does it. Times are in UTC, durations in seconds."
    " docs/api.md has examples."
)

_PRIMITIVES: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    UUID: {"type": "string", "format": "uuid"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    types.NoneType: {"type": "null"},
    Any: {},
}

_PROBLEM = {
    "type": "object",
    "description": "What is wrong, as RFC 9457 has it. `detail` is a sentence that says what to do.",
    "properties": {"title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}},
    "required": ["title", "status", "detail"],
    "additionalProperties": False,
}
_RETRY_AFTER = {"description": "Seconds after which it may be there.", "schema": {"type": "integer"}}
_WRONG = {
    "400": "A parameter is wrong.",
    "404": "It is not recorded, or not yet: then with `Retry-After`.",
    "405": "Only GET and HEAD are answered.",
    "500": "The page cannot be shown: a fault of TAP's.",
    "503": "The database does not answer.",
}
_PARAMETER = re.compile(r"<(\w+)>")


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Nothing is asked."""


def read(_: Reading, __: Inputs) -> dict[str, Any]:
    """Nothing is asked of the database."""
    return {}


def write(resources: Sequence[Resource], renderer: Renderer) -> str:
    """The document that describes these."""
    return json.dumps(_document(resources, renderer), separators=(",", ":"))


def _document(resources: Sequence[Resource], renderer: Renderer) -> dict[str, Any]:
    schemas: dict[str, Any] = {"Problem": _PROBLEM}
    paths = {
        _PARAMETER.sub(r"{\1}", path): {"get": _operation(resource, path, view, schemas)}
        for resource in resources
        for path, view in resource.views(renderer)
        if not view.is_html
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "TAP: what tests say", "version": "1", "description": _INTRODUCTION},
        "security": [{"signature": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "responses": {status: _problem(status, meaning) for status, meaning in _WRONG.items()},
            "securitySchemes": {
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "AWS Signature Version 4. A front of the company's own may ask for something else.",
                }
            },
        },
    }


def _operation(resource: Resource, path: str, view: View, schemas: dict[str, Any]) -> dict[str, Any]:
    answer = get_type_hints(resource.read)["return"] if view.content_type == "application/json" else str
    content = {view.content_type: {"schema": _schema(answer, schemas)}}
    wrong = {status: {"$ref": f"#/components/responses/{status}"} for status in _WRONG if status != "405"}
    return {
        "operationId": "_".join(re.findall(r"\w+", path)),
        "summary": _told(sys.modules[resource.read.__module__]),
        "description": _told(resource.inputs),
        "parameters": list(_parameters(resource.inputs, path, schemas)),
        "responses": {
            "200": {"description": "What was asked for.", "content": content},
            **wrong,
            "default": {"$ref": "#/components/responses/405"},
        },
    }


def _parameters(inputs: type[Any], path: str, schemas: dict[str, Any]) -> Iterator[dict[str, Any]]:
    types_ = get_type_hints(inputs)
    in_path = _PARAMETER.findall(path)
    for field in dataclasses.fields(inputs):
        kind = types_[field.name]
        schema = _schema(_without_none(kind), schemas)
        if field.default not in {dataclasses.MISSING, None}:
            schema = {**schema, "default": field.default}
        yield {
            "name": field.name,
            "in": "path" if field.name in in_path else "query",
            "required": field.default is dataclasses.MISSING,
            "schema": schema,
        }


def _without_none(kind: Any) -> Any:
    return get_args(kind)[0] if _is_union(kind) else kind


def _is_union(kind: Any) -> bool:
    # `Literal[...] | None` is no UnionType before Python 3.14.
    return get_origin(kind) in {types.UnionType, Union}


def _schema(kind: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a type. Those of dataclasses are added to `schemas`."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        name = f"{kind.__module__.rpartition('.')[2]}.{kind.__qualname__}"
        if name not in schemas:
            schemas[name] = {}  # so that it may hold another one of its kind
            schemas[name] = _object(kind, schemas)
        return {"$ref": f"#/components/schemas/{name}"}
    if _is_union(kind):
        return {"anyOf": [_schema(each, schemas) for each in get_args(kind)]}
    if get_origin(kind) is Literal:
        return {"type": "string", "enum": list(get_args(kind))}
    if get_origin(kind) is list:
        return {"type": "array", "items": _schema(get_args(kind)[0], schemas)}
    if get_origin(kind) is dict:
        names, values = (_schema(each, schemas) for each in get_args(kind))
        return {"type": "object", "propertyNames": names, "additionalProperties": values}
    return _PRIMITIVES[kind]


def _object(kind: type[Any], schemas: dict[str, Any]) -> dict[str, Any]:
    types_ = get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    return {
        "type": "object",
        "description": _told(kind),
        "properties": {name: _schema(types_[name], schemas) for name in names},
        "required": names,
        "additionalProperties": False,
    }


def _problem(status: str, meaning: str) -> dict[str, Any]:
    headers = {"headers": {"Retry-After": _RETRY_AFTER}} if status in {"404", "503"} else {}
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": meaning, "content": content, **headers}


def _told(by: object) -> str:
    return inspect.cleandoc(by.__doc__ or "")
