"""Tests are found by words of their names."""

from __future__ import annotations

import pytest

from handler.showing import search
from handler.showing.inputs import BadInput
from handler.showing.reading import NotRecorded
from tests.handler.helpers.pages import Pages
from tests.handler.helpers.recorder import Recorder, case


def names(pages: Pages, query: str) -> dict[str, list[str]]:
    return {each.project: [test.name for test in each.tests] for each in pages.read("/search", query).found}


def test_all_words_must_stand_in_the_names(recorder: Recorder, pages: Pages) -> None:
    """In whatever order, in capitals or not, in whichever of the names; a part of a word is enough."""
    recorder.record(
        case("passed", "adds an item", classname="CartTest", file="tests/cart.py"),
        case("passed", "empties the cart", classname="CartTest"),
        case("passed", "ÄNDERT die Menge", classname="Warenkorb"),
    )
    assert names(pages, "q=cart") == {"shop": ["adds an item", "empties the cart"]}
    assert names(pages, "q=ITEM+carttest") == {"shop": ["adds an item"]}
    assert names(pages, "q=tests/cart.py+adds") == {"shop": ["adds an item"]}
    assert names(pages, "q=%C3%A4ndert") == {"shop": ["ÄNDERT die Menge"]}
    assert names(pages, "q=cart+menge") == {}
    # What would be a pattern is taken literally.
    assert names(pages, "q=a%25item") == {}
    assert names(pages, "q=cart_py") == {}
    with pytest.raises(BadInput, match="There are 21 words to look for: give at most 20"):
        names(pages, f"q={'+'.join(map(str, range(21)))}")


def test_each_has_its_last_outcomes_on_the_main_branch(recorder: Recorder, pages: Pages) -> None:
    """Whichever job it is a part of."""
    recorder.record(case("failed", "tests a"), series="unit", days_ago=4)
    recorder.record(case("error", "tests b"), series="browser", days_ago=3)
    recorder.record(case("passed", "tests a"), series="unit", days_ago=2)
    recorder.record(case("failed", "tests a"), case("failed", "tests c"), series="unit", branch="feature", days_ago=1)
    [found] = pages.read("/search", "q=tests").found
    assert [(test.name, test.status, test.statuses) for test in found.tests] == [
        ("tests a", "passed", ["failed", "passed"]),
        ("tests b", "error", ["error"]),
        ("tests c", None, []),
    ]
    assert "none of late" in pages.text("/search", "q=tests")


def test_projects_come_by_name(recorder: Recorder, pages: Pages) -> None:
    recorder.record(case("passed", "tests a"))
    recorder.record(case("passed", "tests b"), project="other", branch="feature")
    assert names(pages, "q=tests") == {"other": ["tests b"], "shop": ["tests a"]}
    assert names(pages, "q=tests&project=shop") == {"shop": ["tests a"]}
    assert "2 tests of 2 projects match “tests”." in pages.text("/search", "q=tests")
    assert "1 test matches “tests a”." in pages.text("/search", "q=tests+a&project=shop")
    with pytest.raises(NotRecorded, match="There is no project 'third'"):
        names(pages, "q=tests&project=third")


def test_of_many_the_first_are_shown(recorder: Recorder, pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_OF_EACH", 2)
    monkeypatch.setattr(search, "_IN_ALL", 4)
    for project in ("one", "three", "two"):
        recorder.record(*(case("passed", f"tests {nth}") for nth in range(3)), project=project)
    page = pages.read("/search", "q=tests")
    assert [(each.project, len(each.tests), each.has_more) for each in page.found] == [
        ("one", 2, True),
        ("three", 1, False),
    ]
    assert page.has_more
    text = pages.text("/search", "q=tests")
    assert "More than 3 tests of 2 projects match “tests”. Add a word to narrow it down." in text
    assert "There are more. Search only one" in text
    assert text.endswith("Other projects may have more: choose one, or add a word.")
    page = pages.read("/search", "q=tests&project=two")
    assert [(each.project, len(each.tests), each.has_more) for each in page.found] == [("two", 3, False)]
    assert not page.has_more


def test_without_words_it_says_how_to_search(recorder: Recorder, pages: Pages) -> None:
    assert pages.text("/search") == "Search No report was read yet. How a report gets here"
    recorder.record(case("passed", "a"))
    for query in ("", "q=", "q=+"):
        assert pages.read("/search", query).found == []
        assert "Finds tests of all projects by their names" in pages.text("/search", query)


def test_nothing_found_says_what_is_searched(recorder: Recorder, pages: Pages) -> None:
    recorder.record(case("passed", "a"))
    text = pages.text("/search", "q=abc123+def")
    assert "No test has “abc123 def” in its names." in text
    assert "messages, branches and commits are not searched. Fewer words find more." in text
    assert text.endswith("Runs of a commit that begins with it")
    assert "No test of shop has “b” in its names." in pages.text("/search", "q=b&project=shop")
    assert "Search all projects" in pages.text("/search", "q=b&project=shop")
