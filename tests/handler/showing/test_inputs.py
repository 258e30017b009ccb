"""What a URL asks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, Optional
from urllib.parse import quote, urlencode
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handler.showing import build, projects, run, runs
from handler.showing.inputs import BadInput, read_inputs
from handler.showing.pages import PAGES

ID = UUID("3b241101-e2bb-4255-8caf-4136c566a962")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One of each kind."""

    id: UUID
    name: str | None = None
    kind: Literal["big", "small"] | None = None
    order: Optional[Literal["up", "down"]] = None  # noqa: UP045 - what mypy takes for the same is not at run time
    day: date | None = None
    skip: int = 0


def read(query: str = "", **path: str) -> Asked:
    return read_inputs(Asked, {"id": str(ID), **path}, query)


def refusal(query: str, kind: type[object] = Asked, **path: str) -> str:
    with pytest.raises(BadInput) as error:
        read_inputs(kind, {"id": str(ID), **path} if kind is Asked else path, query)
    return str(error.value)


def test_each_value_has_the_type_of_its_field() -> None:
    query = "name=a%20b%2B%C3%A9+c&kind=big&order=down&day=2026-11-23&skip=100"
    assert read(query) == Asked(id=ID, name="a b+é c", kind="big", order="down", day=date(2026, 11, 23), skip=100)


def test_what_is_not_asked_has_its_default() -> None:
    assert read() == Asked(id=ID)


def test_an_empty_value_is_none() -> None:
    """A form sends its empty fields as well."""
    assert read("name=&kind=&day=&skip=&unknown=") == Asked(id=ID)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("nme=a", "There is no parameter 'nme' here. There are: name, kind, order, day, skip."),
        (f"id={ID}", "There is no parameter 'id' here. There are: name, kind, order, day, skip."),
        (f"{'n' * 41}=a", f"There is no parameter '{'n' * 40}' here. There are: name, kind, order, day, skip."),
        ("name=a&name=a", "name is there twice."),
        ("kind=Big", "kind 'Big' is not valid: give big, small."),
        (f"kind={'b' * 41}", f"kind '{'b' * 40}' is not valid: give big, small."),
        ("order=left", "order 'left' is not valid: give up, down."),
        ("day=23.11.2026", "day '23.11.2026' is not valid: give a day from 1970-01-01 to 2199-12-31."),
        ("day=2026-02-30", "day '2026-02-30' is not valid: give a day from 1970-01-01 to 2199-12-31."),
        ("day=0001-01-01", "day '0001-01-01' is not valid: give a day from 1970-01-01 to 2199-12-31."),
        ("day=9999-12-31", "day '9999-12-31' is not valid: give a day from 1970-01-01 to 2199-12-31."),
        ("skip=x", "skip 'x' is not valid: give a whole number from 0 to 1,000,000."),
        ("skip=-1", "skip '-1' is not valid: give a whole number from 0 to 1,000,000."),
        ("skip=1000001", "skip '1000001' is not valid: give a whole number from 0 to 1,000,000."),
        ("skip=1.5", "skip '1.5' is not valid: give a whole number from 0 to 1,000,000."),
        ("name=a%00b", "name has a NUL, which no name has."),
        ("name=%FF", "The query is not valid UTF-8."),
        ("name=%ED%A0%80", "The query is not valid UTF-8."),
        ("%FF=a", "The query is not valid UTF-8."),
        (f"name={'a' * 2049}", "name has more than 2048 characters."),
        ("&".join(f"a{number}=1" for number in range(21)), "The query has more than 20 parameters."),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(query: str, says: str) -> None:
    assert refusal(query) == says


def test_what_is_just_allowed_is_taken() -> None:
    assert read(f"name={'a' * 2048}&skip=1000000") == Asked(id=ID, name="a" * 2048, skip=1_000_000)
    assert read(f"name={'%C3%A9' * 2048}").name == "é" * 2048
    assert read("&".join(["name=a", *["x="] * 19])).name == "a"
    assert read("day=1970-01-01").day == date(1970, 1, 1)
    assert read("day=2199-12-31").day == date(2199, 12, 31)


def test_a_path_has_an_id() -> None:
    assert refusal("", id="42") == "id '42' is not valid: give an id (3b241101-e2bb-4255-8caf-4136c566a962)."
    assert refusal("", id="a\0b") == "id has a NUL, which no name has."


def test_what_must_be_there_is_missing() -> None:
    assert refusal("", build.Inputs) == "project is missing."
    assert refusal("project=", build.Inputs) == "project is missing."


def test_a_page_without_parameters_says_so() -> None:
    @dataclass(frozen=True)
    class Nothing:
        id: UUID

    assert refusal("a=1", Nothing, id=str(ID)) == "There is no parameter 'a' here. There are: none."


def test_only_a_dataclass_has_inputs() -> None:
    with pytest.raises(TypeError, match="no dataclass"):
        read_inputs(str, {}, "")


VALUES = st.integers().map(str) | st.dates().map(str) | st.uuids().map(str) | st.sampled_from(["failed", "name"])
QUERIES = st.text() | st.dictionaries(
    st.sampled_from(["run_id", "status", "q", "sort", "skip", "since", "until", "before", "project", "x"]) | st.text(),
    st.text()
    | st.integers().map(str)
    | st.dates().map(str)
    | st.uuids().map(str)
    | st.sampled_from(["failed", "name"]),
).map(urlencode)


@given(kind=st.sampled_from([page.inputs for page in PAGES]), query=QUERIES | QUERIES.map(quote), id=st.text())
@example(kind=runs.Inputs, query="until=9999-12-31", id="")
@example(kind=run.Inputs, query="skip=" + "9" * 2000, id=str(ID))
@example(kind=run.Inputs, query="skip=٣", id=str(ID))
@example(kind=runs.Inputs, query="since=2026-W01-1", id="")
@example(kind=projects.Inputs, query="after=%", id="")
@example(kind=projects.Inputs, query="after=\ud800", id="")
@example(kind=projects.Inputs, query="after=a;b=c&&=&=a", id="")
def test_any_query_is_read_or_refused_in_a_sentence(kind: type[object], query: str, id: str) -> None:
    path = {"run_id": id} if kind is run.Inputs else {}
    try:
        assert isinstance(read_inputs(kind, path, query), kind)
    except BadInput as error:
        said = str(error)
        assert said.endswith(".")
        assert "\n" not in said
        assert len(said) < 400
