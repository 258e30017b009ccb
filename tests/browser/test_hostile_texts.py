"""What a report says stays a text: on no page does it become anything else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import NewPage
from tests.browser.helpers.hostile import PAYLOADS
from tests.browser.helpers.layout import STANDING_OUT
from tests.browser.helpers.site import Site

pytestmark = pytest.mark.security

# What is looked at of all that a page leads to: the first of each.
_FOLLOWED = {
    "result": re.compile(r"/runs/[^/]*/tests/"),
    "test": re.compile(r"/tests/"),
    "build": re.compile(r"/builds\?"),
}

# What no page of ours has; and links that lead anywhere but within the site or to a web page.
_FOREIGN = """() => {
    const address = link => URL.parse(link.getAttribute("href"), location);
    const rel = link => (link.getAttribute("rel") ?? "").split(" ");
    return [
        ...document.querySelectorAll(
            "script, style, link:not(head > link), base, meta[http-equiv], iframe, frame, object, embed, animate,"
            + " foreignObject, [autofocus], [srcdoc], [style], [ping], img:not(header img), form[action*='//']"),
        ...[...document.querySelectorAll("*")].filter(
            element => element.getAttributeNames().some(name => name.startsWith("on"))),
        ...[...document.querySelectorAll("[href]")].filter(
            link => !["http:", "https:"].includes(address(link)?.protocol)),
        ...[...document.querySelectorAll("a[href]")].filter(
            link => address(link)?.origin !== location.origin
                && !(rel(link).includes("noopener") && rel(link).includes("noreferrer"))),
    ].map(element => element.outerHTML.slice(0, 200));
}"""
_LINKS = "() => [...document.querySelectorAll('main a[href^=\"/\"]')].map(a => a.getAttribute('href'))"
# All that is asked of a page, at once.
_LOOK = f"width => ({{foreign: ({_FOREIGN})(), wide: ({STANDING_OUT})(width), links: ({_LINKS})()}})"
_PHONE = {"width": 360, "height": 740}


@pytest.fixture
def site(any_site: Site) -> Site:
    any_site.show("hostile")
    return any_site


@pytest.fixture(scope="module")
def looked_at(summary: list[str]) -> Iterator[Counter[str]]:
    looked_at: Counter[str] = Counter()
    yield looked_at
    summary.append(f"hostile texts in a browser: {looked_at['pages']} pages opened, {looked_at['broken']} broken")


@pytest.fixture
def page(new_page: NewPage, site: Site) -> Page:
    """Without the policy that would stop a script, so that only what the pages do with a text is tried. A phone."""
    return new_page(bypass_csp=True, viewport=_PHONE, is_mobile=True)


def test_every_run_is_shown(site: Site, page: Page, looked_at: Counter[str]) -> None:
    look_at(page, looked_at, (f"/runs/{run_id}" for run_id in ids(site, "select id from run order by id")))


def test_every_upload_is_shown(site: Site, page: Page, looked_at: Counter[str]) -> None:
    look_at(
        page,
        looked_at,
        (f"/uploads/{event_id}" for event_id in ids(site, "select event_id from upload order by event_id")),
    )


def test_every_project_is_shown(site: Site, page: Page, looked_at: Counter[str]) -> None:
    """With the first of what its pages lead to: branches, builds, tests."""
    projects = [urlencode({"project": name}) for name in ids(site, "select distinct project from upload order by 1")]
    pages = ("project", "runs", "grid", "flaky", "failing", "slowest", "uploads")
    look_at(page, looked_at, ["/", *(f"/{name}?{project}" for project in projects for name in pages)])


def test_what_is_searched_for_is_shown(site: Site, page: Page, looked_at: Counter[str]) -> None:
    look_at(
        page,
        looked_at,
        (f"/search?q={quote(text[:1000].replace(chr(0), ''), errors='replace')}" for text in PAYLOADS.values()),
    )


@pytest.mark.parametrize("payload", ["script", "image", "template", "entities", "attribute"])
def test_a_text_is_shown_as_it_is(payload: str, site: Site, page: Page) -> None:
    text = PAYLOADS[payload]
    page.goto(f"/runs/{site.value('select id from run_summary where project = %s and failed > 0', text)}")
    assert text in page.locator("main").inner_text()


def ids(site: Site, query: str) -> list[str]:
    with site.connect() as connection:
        return [str(value) for (value,) in connection.execute(query.encode())]


def look_at(page: Page, looked_at: Counter[str], addresses: Iterable[str]) -> None:
    """Opens these pages and the first of what they lead to: each shows what it should and nothing else."""
    waiting = [(address, True) for address in addresses]
    seen = {address for address, _ in waiting}
    wrong = []
    # It grows meanwhile.
    for address, is_first in waiting:
        response = page.goto(address)
        assert response
        if response.status != 200:
            wrong.append(f"{address}: status {response.status}")
            continue
        found: dict[str, list[str]] = page.evaluate(_LOOK, _PHONE["width"])
        if found["foreign"] or found["wide"]:
            wrong.append(f"{address}: {found['foreign'] or found['wide']}")
        if is_first:
            found_first = (next(filter(kind.match, found["links"]), None) for kind in _FOLLOWED.values())
            new = {link for link in found_first if link} - seen
            seen |= new
            waiting += [(link, False) for link in sorted(new)]
    looked_at.update(pages=len(waiting), broken=len(wrong))
    assert not wrong, "\n".join(wrong)
