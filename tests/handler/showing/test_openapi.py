"""The OpenAPI document, held against what is really answered."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from handler.showing.pages import PAGES
from tests.browser.helpers.datasets import DATASETS
from tests.browser.helpers.history import History
from tests.handler.helpers.results import Answer, Results
from tests.handler.helpers.surroundings import Postgres

DOCS = Path(__file__).parents[3] / "docs/api.md"

# What a URL may ask, by the names of its parameters; the rest is of the history.
VALUES: dict[str, list[str | None]] = {
    "before": [None],
    "branch": [None, "main", "no-such-branch"],
    "project": [None, "shop-api", "shop-web", "mobile"],
    "q": [None, "delivery", "nothing is called so"],
    "skip": [None, "3"],
    "status": [None, "error"],
}


@pytest.fixture
def document(results: Results) -> dict[str, Any]:
    answer = results.get("/api/openapi.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    found: dict[str, Any] = answer.json
    return found


def validator(document: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(
        {**schema, "components": document["components"]}, format_checker=Draft202012Validator.FORMAT_CHECKER
    )


def described(document: dict[str, Any], answer: Answer, operation: dict[str, Any]) -> dict[str, Any]:
    """The schema of an answer; that it has a status and a content type of its operation, too."""
    response = operation["responses"].get(str(answer.status), operation["responses"]["default"])
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    assert set(response.get("headers", {})) >= {"Retry-After"} & {name.title() for name in answer.headers}
    schema: dict[str, Any] = response["content"][answer.headers["content-type"]]["schema"]
    return schema


def test_it_is_valid(document: dict[str, Any]) -> None:
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_it_has_every_address_for_machines_with_its_parameters(document: dict[str, Any]) -> None:
    assert {path for path in document["paths"] if not path.startswith("/api")} == {"/badge.svg"}
    paths = {re.sub(r"<(\w+)>", r"{\1}", page.path): page for page in PAGES}
    assert {path.removeprefix("/api") or "/" for path in document["paths"]} == {
        path.removeprefix("/api") for path in paths
    }
    for path, item in document["paths"].items():
        page = paths.get(path) or paths[path.removeprefix("/api") or "/"]
        assert [parameter["name"] for parameter in item["get"]["parameters"]] == [
            field.name for field in dataclasses.fields(page.inputs)
        ]
        assert set(re.findall(r"{(\w+)}", path)) == {
            parameter["name"] for parameter in item["get"]["parameters"] if parameter["in"] == "path"
        }


def test_the_docs_tell_of_every_address(document: dict[str, Any]) -> None:
    table = DOCS.read_text().partition("| address |")[2].partition("\n\n")[0]
    told = {
        address for row in re.findall(r"^\| (.*?) \|", table, re.MULTILINE) for address in re.findall("`(.*?)`", row)
    }
    ids = {"RUN": "{run_id}", "TEST": "{test_id}", "UPLOAD": "{upload_id}"}
    told = {re.sub(r"\b[A-Z]+\b", lambda match: ids[match[0]], address.partition("?")[0]) for address in told}
    assert set(document["paths"]) - told == set()


def test_it_says_what_a_parameter_may_be(document: dict[str, Any]) -> None:
    run = {each["name"]: each for each in document["paths"]["/api/runs/{run_id}"]["get"]["parameters"]}
    assert run["run_id"] == {
        "name": "run_id",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    }
    assert run["sort"] == {
        "name": "sort",
        "in": "query",
        "required": False,
        "schema": {"type": "string", "enum": ["duration", "name"], "default": "duration"},
    }
    assert run["status"]["schema"] == {"type": "string", "enum": ["passed", "skipped", "flaky", "failed", "error"]}
    assert run["skip"]["schema"] == {"type": "integer", "default": 0}


def test_everything_in_it_is_told_in_words(document: dict[str, Any]) -> None:
    for item in document["paths"].values():
        assert item["get"]["summary"].endswith(".")
        assert item["get"]["description"].endswith(".")
    for name, schema in document["components"]["schemas"].items():
        # What a dataclass says of itself if nobody else does.
        assert schema["description"].endswith("."), name


def test_every_answer_is_as_it_says(
    document: dict[str, Any], results: Results, history: History, postgres: Postgres
) -> None:
    """Of the history that teams have: each address with many combinations of what it may be asked."""
    DATASETS["plausible"](history, datetime.now(UTC).replace(microsecond=0))
    run_ids = [
        str(run_id)
        for (run_id,) in postgres.query(
            "(select id from run_summary order by failed + error desc limit 4) union"
            " (select id from run_summary order by uploaded_at limit 2) union"
            " (select id from run_summary where flaky > 0 order by uploaded_at desc limit 4)"
        )
    ]
    [(bucket, key, version_id)] = postgres.query("select bucket, key, version_id from upload limit 1")
    [(commit, build_url)] = postgres.query(
        "select commit, build_url from upload where project = 'shop-web' order by uploaded_at desc limit 1"
    )
    values: dict[str, list[str | None]] = {
        **VALUES,
        "run_id": [*run_ids],
        "test_id": [
            str(test_id)
            for (test_id,) in postgres.query(
                "select distinct test_id from (select test_id from flaky_tests union select test_id from failing_tests)"
                " as troubled limit 12"
            )
        ],
        "upload_id": [
            str(upload_id)
            for (upload_id,) in postgres.query(
                "select event_id from upload order by error_code nulls last, kind, uploaded_at limit 12"
            )
        ],
        "bucket": [bucket],
        "key": [key],
        "version_id": [version_id],
        "commit": [None, commit],
        "build_url": [None, build_url],
    }
    asked: dict[str, set[int]] = {}
    for path, item in document["paths"].items():
        operation = item["get"]
        parameters = operation["parameters"]
        choices = [values.get(each["name"], [None, *each["schema"].get("enum", [])]) for each in parameters]
        combinations = list(itertools.product(*choices))
        for chosen in random.Random(path).sample(combinations, min(len(combinations), 40)):  # noqa: S311
            query = dict(zip((each["name"] for each in parameters), chosen, strict=True))
            if any(query[each["name"]] is None for each in parameters if each["required"]):
                continue
            place = path.format(**query)
            in_path = {each["name"] for each in parameters if each["in"] == "path"}
            answer = results.get(place, **{name: query[name] for name in query if name not in in_path})
            schema = described(document, answer, operation)
            content = answer.json if "json" in answer.headers["content-type"] else answer.text
            errors = [
                f"{error.json_path}: {error.message}" for error in validator(document, schema).iter_errors(content)
            ]
            assert errors == [], (place, query)
            asked.setdefault(path, set()).add(answer.status)
    assert set(asked) == set(document["paths"])
    assert all(200 in statuses for statuses in asked.values()), asked


@pytest.mark.parametrize(
    ("path", "query", "method", "status"),
    [
        ("/api/runs/latest", "", "GET", 400),
        ("/api/runs", "colour=red", "GET", 400),
        ("/api/runs/3b241101-e2bb-4255-8caf-4136c566a962", "", "GET", 404),
        ("/api/upload", "bucket=b&key=k&version_id=v", "GET", 404),
        ("/api/project", "project=nobody", "GET", 404),
        ("/api/nothing", "", "GET", 404),
        ("/api/uploads", "", "POST", 405),
    ],
)
def test_every_problem_is_as_it_says(
    path: str, query: str, method: str, status: int, document: dict[str, Any], results: Results
) -> None:
    answer = results.ask(path, query, method=method)
    assert answer.status == status
    schema = described(document, answer, document["paths"]["/api/uploads"]["get"])
    assert list(validator(document, schema).iter_errors(answer.json)) == []
    assert answer.json["status"] == status


def test_a_database_that_is_down_is_a_problem_too(
    document: dict[str, Any], results: Results, postgres: Postgres
) -> None:
    postgres.query("alter role tap_reader nologin")
    try:
        results.restart()
        answer = results.get("/api/uploads")
    finally:
        postgres.query("alter role tap_reader login")
    assert (answer.status, answer.headers["retry-after"]) == (503, "30")
    schema = described(document, answer, document["paths"]["/api/uploads"]["get"])
    assert list(validator(document, schema).iter_errors(answer.json)) == []


def test_it_is_strict(document: dict[str, Any]) -> None:
    """Or the test of all answers would prove nothing."""
    schema = {"$ref": "#/components/schemas/uploads.UploadHealth"}
    right = {"project": "shop", "uploads": 1, "refused": 0, "codes": {"not_xml": 1}}
    for wrong in (
        {**right, "more": 1},
        {name: right[name] for name in right if name != "codes"},
        {**right, "uploads": "1"},
        {**right, "codes": {"not_xml": None}},
    ):
        assert not validator(document, schema).is_valid(wrong)
    assert validator(document, schema).is_valid(right)
    assert json.dumps(document).count('"additionalProperties": false') == sum(
        "properties" in schema for schema in document["components"]["schemas"].values()
    )
