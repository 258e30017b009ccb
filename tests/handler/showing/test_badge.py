"""The badge of a branch."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from handler.showing.badge import Badge, write
from tests.handler.helpers.recorder import Recorder, case
from tests.handler.helpers.results import Results

_SVG = "{http://www.w3.org/2000/svg}"


def shown(results: Results, **query: str) -> tuple[str | None, str | None]:
    """What the badge says, and the colour behind it."""
    answer = results.get("/badge.svg", **{"project": "shop", **query})
    assert (answer.status, answer.headers["content-type"]) == (200, "image/svg+xml")
    svg = ET.fromstring(answer.text)  # noqa: S314 - ours
    [*_, text] = svg.iter(f"{_SVG}text")
    [*_, rectangle] = svg.iter(f"{_SVG}rect")
    title = svg.find(f"{_SVG}title")
    assert title is not None
    assert (svg.get("role"), svg.get("aria-label"), title.text) == ("img", title.text, f"tests: {text.text}")
    return text.text, rectangle.get("fill")


RED, GREEN, GREY = "#c02f1d", "#17695a", "#5b646e"


@pytest.mark.parametrize(
    ("cases", "says"),
    [
        ([case("passed"), case("flaky", "pays"), case("skipped", "ships")], ("2 passed", GREEN)),
        ([case("passed"), case("failed", "pays"), case("error", "ships")], ("2 of 3 failed", RED)),
        ([case("passed"), case("error", "ships")], ("1 of 2 failed", "#7b3fa0")),
        ([case("skipped")], ("1 skipped", GREY)),
        ([], ("no tests", GREY)),
    ],
)
def test_it_says_how_the_latest_run_came_out(
    cases: list[str], says: tuple[str, str], results: Results, recorder: Recorder
) -> None:
    recorder.record(case("failed"), case("failed", "pays"), commit="c0", days_ago=1)
    recorder.record(*cases)
    assert shown(results) == says


def test_the_reports_of_a_build_are_one(results: Results, recorder: Recorder) -> None:
    recorder.record(case("failed", "pays"), series="unit", commit="c1", days_ago=3)
    recorder.record(case("failed", "adds"), case("passed"), series="browser", commit="c1", days_ago=2)
    recorder.record(case("passed", "pays"), series="unit", commit="c1", days_ago=1)
    assert shown(results) == ("1 of 3 failed", RED)


def test_it_is_of_the_main_branch_unless_it_is_told_another(results: Results, recorder: Recorder) -> None:
    recorder.record(case("passed"), branch="trunk", main_branch="trunk", days_ago=1)
    recorder.record(case("failed"), branch="pr/7")
    assert shown(results) == ("1 passed", GREEN)
    assert shown(results, branch="trunk") == ("1 passed", GREEN)
    assert shown(results, branch="pr/7") == ("1 of 1 failed", RED)


def test_of_what_is_not_known_there_are_no_runs(results: Results, recorder: Recorder) -> None:
    recorder.record(case("passed"), branch="pr/7")
    assert shown(results) == ("no runs", GREY)
    assert shown(results, branch="pr/8") == ("no runs", GREY)
    assert shown(results, project="<script>") == ("no runs", GREY)


def test_it_may_stand_on_pages_of_the_company_and_is_not_asked_for_at_each_look(results: Results) -> None:
    headers = results.get("/badge.svg", project="shop").headers
    assert headers["cache-control"] == "private, max-age=60"
    assert headers["cross-origin-resource-policy"] == "same-site"
    assert headers["content-security-policy"].startswith("default-src 'none';")


def test_it_needs_a_project(results: Results) -> None:
    answer = results.get("/badge.svg")
    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")


@pytest.mark.parametrize("text", ["no runs", "1 passed", "48 of 100,000 failed"])
def test_its_texts_stand_within_it(text: str) -> None:
    svg = ET.fromstring(write(Badge(text=text, status="passed")))  # noqa: S314 - ours
    label, said = svg.iter(f"{_SVG}text")
    left, right = (float(each.get("width", "")) for each in list(svg.iter(f"{_SVG}rect"))[1:])
    assert float(svg.get("width", "")) == left + right
    assert float(label.get("x", "")) + float(label.get("textLength", "")) == left - 7
    assert float(said.get("x", "")) + float(said.get("textLength", "")) == left + right - 7
