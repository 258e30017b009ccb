"""The pages of an empty database, of a first run, and of runs of 20,000 tests."""

from __future__ import annotations

import pytest

from tests.browser.conftest import NewPage
from tests.browser.helpers import axe
from tests.browser.helpers.layout import too_wide
from tests.browser.helpers.pages import pages_of_a_history
from tests.browser.helpers.site import Site

# Bytes, gzipped.
_MOST = 100_000

every_history = pytest.mark.parametrize("data", ["empty", "tiny", "large"])


@every_history
def test_its_pages_answer_and_are_light(data: str, any_site: Site, new_page: NewPage) -> None:
    any_site.show(data)
    page = new_page(extra_http_headers={"Accept-Encoding": "gzip"})
    answers = {}
    for name, path in pages_of_a_history(any_site).items():
        response = page.goto(path)
        assert response
        answers[name] = (response.status, int(response.headers["content-length"]) <= _MOST)
    assert answers == dict.fromkeys(answers, (200, True))


@every_history
def test_its_pages_fit_on_a_phone(data: str, any_site: Site, new_page: NewPage) -> None:
    any_site.show(data)
    page = new_page(viewport={"width": 320, "height": 740}, is_mobile=True, has_touch=True)
    wide = {}
    for name, path in pages_of_a_history(any_site).items():
        page.goto(path)
        wide[name] = too_wide(page)
    assert {name: found for name, found in wide.items() if found} == {}


@every_history
def test_axe_finds_nothing_on_its_pages(data: str, any_site: Site, new_page: NewPage) -> None:
    any_site.show(data)
    page = new_page()
    axe.bring(page)
    found = []
    for name, path in pages_of_a_history(any_site).items():
        page.goto(path)
        found += [f"{name}: {violation}" for violation in axe.violations(page)]
    assert found == []


def test_what_is_empty_says_what_to_do(any_site: Site, new_page: NewPage) -> None:
    any_site.show("empty")
    page = new_page()
    page.goto("/")
    assert "aws s3 cp" in page.locator("main").inner_text()
