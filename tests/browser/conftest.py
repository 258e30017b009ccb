"""A browser and the pages, both started once; and what watches over each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.helpers.chromium import launched
from tests.browser.helpers.guard import Guard
from tests.browser.helpers.site import Site, served

# Seconds.
_TIMEOUT = 10

NewPage = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The functions that make the pages are traced while their own tests run: here it costs, and finds nothing new."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.no_cover)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def any_site() -> Iterator[Site]:
    with served() as site:
        yield site


@pytest.fixture
def site(any_site: Site) -> Site:
    """The pages with a history as teams have it."""
    any_site.show("plausible")
    return any_site


@pytest.fixture
def guard(any_site: Site) -> Iterator[Guard]:
    """Fails a test after which something stands in it."""
    guard = Guard(any_site.address)
    yield guard
    assert guard.seen == []


@pytest.fixture
def new_page(browser: Browser, any_site: Site, guard: Guard) -> Iterator[NewPage]:
    """Makes guarded pages, each with options of Playwright's for its context."""
    contexts: list[BrowserContext] = []

    def new_page(**options: Any) -> Page:
        context = browser.new_context(
            **{"base_url": any_site.address, "viewport": {"width": 1440, "height": 900}, **options}
        )
        context.set_default_timeout(_TIMEOUT * 1000)
        contexts.append(context)
        guard.watch(context)
        return context.new_page()

    yield new_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page()
