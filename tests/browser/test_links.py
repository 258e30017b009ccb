"""Where the pages lead to."""

from __future__ import annotations

import re
import urllib.error
import urllib.request

from playwright.sync_api import Page

from tests.browser.helpers.pages import PAGES
from tests.browser.helpers.site import Site

_LINKS = "() => [...document.querySelectorAll('a[href]')].map(link => link.getAttribute('href'))"
_FORMS = """() => [...document.forms].map(
    form => `${form.getAttribute("action")}?${new URLSearchParams(new FormData(form))}`)"""
_AIMLESS = """() => [...document.querySelectorAll("a")]
    .filter(link => link.hash && link.pathname === location.pathname && link.search === location.search)
    .filter(link => !document.getElementById(decodeURIComponent(link.hash.slice(1))))
    .map(link => link.outerHTML)"""
_VALUES = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|=[^&#]*")
# Of links that only differ in their values, those of one page that are followed.
_OF_A_KIND = 4


def test_no_link_is_dead(site: Site, page: Page) -> None:
    """Nor a form that is sent as it stands."""
    leads_to: dict[str, str] = {}
    for name, path in PAGES.items():
        page.goto(path(site))
        counted: dict[str, int] = {}
        for link in [*page.evaluate(_LINKS), *page.evaluate(_FORMS)]:
            kind = _VALUES.sub("", link)
            counted[kind] = counted.get(kind, 0) + 1
            if link.startswith("/") and counted[kind] <= _OF_A_KIND:
                leads_to.setdefault(link.partition("#")[0], name)
    dead = {link: f"{status} (on {name})" for link, name in leads_to.items() if (status := _status(site, link)) != 200}
    assert len(leads_to) > 100
    assert dead == {}


def test_links_within_a_page_have_their_aim(site: Site, page: Page) -> None:
    for path in PAGES.values():
        page.goto(path(site))
        assert page.evaluate(_AIMLESS) == []


def _status(site: Site, link: str) -> int:
    try:
        with urllib.request.urlopen(site.address + link) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
