"""What holds for every page."""

from __future__ import annotations

import itertools
import re
from typing import Literal

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import NewPage
from tests.browser.helpers import axe
from tests.browser.helpers.layout import too_wide
from tests.browser.helpers.pages import PAGES, PROBLEMS
from tests.browser.helpers.site import Site

every_page = pytest.mark.parametrize("name", PAGES)

_LANDMARKS: tuple[Literal["banner", "main", "contentinfo"], ...] = ("banner", "main", "contentinfo")
_CONTROLS = "a[href], button, input, select, textarea, summary, [tabindex]"
# Of all that the Tab key shall reach, those that people see.
_REACHABLE = """controls => [...document.querySelectorAll(controls)]
    .filter(element => element.tabIndex >= 0 && element.checkVisibility())
    .map(element => element.outerHTML.slice(0, 200))"""
_REMEMBER_FOCUS = """
window.focused = [];
document.addEventListener("focusin", ({target}) => {
  const style = getComputedStyle(target);
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== "none";
  window.focused.push([target.outerHTML.slice(0, 200), ring]);
});
"""


@every_page
def test_it_answers(name: str, site: Site, page: Page) -> None:
    response = page.goto(PAGES[name](site))
    assert response
    assert response.status == 200
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_is_wrong_is_said_on_a_page(name: str, site: Site, page: Page) -> None:
    path, status = PROBLEMS[name]
    response = page.goto(path)
    assert response
    assert response.status == status
    assert page.locator("main p").first.inner_text().endswith(".")
    assert page.locator("a[href='/']").count() >= 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", [*PAGES, *PROBLEMS])
def test_axe_finds_nothing(name: str, scheme: str, site: Site, new_page: NewPage) -> None:
    page = new_page(color_scheme=scheme)
    axe.bring(page)
    page.goto(PAGES[name](site) if name in PAGES else PROBLEMS[name][0])
    assert axe.violations(page) == []


@pytest.mark.parametrize("width", [360, 320])
@every_page
def test_nothing_is_wider_than_a_phone(name: str, width: int, site: Site, new_page: NewPage) -> None:
    page = new_page(viewport={"width": width, "height": 740}, is_mobile=True, has_touch=True)
    page.goto(PAGES[name](site))
    assert too_wide(page) == []


@every_page
def test_tables_stay_tables_where_their_rows_are_stacks(name: str, site: Site, new_page: NewPage) -> None:
    """Some browsers take what is no longer laid out as a table for none, but for roles that say so."""
    page = new_page(viewport={"width": 360, "height": 740}, is_mobile=True)
    page.goto(PAGES[name](site))
    assert (
        page.evaluate(
            """() => [...document.querySelectorAll("table, thead, tbody, tr, th, td")]
            .filter(element => !/^(table|none)/.test(getComputedStyle(element).display) && !element.role)
            .map(element => element.outerHTML.slice(0, 200))"""
        )
        == []
    )


@every_page
def test_it_shows_the_same_without_scripts(name: str, site: Site, page: Page, new_page: NewPage) -> None:
    response = page.goto(PAGES[name](site))
    assert response
    body = response.body()
    plain = new_page(java_script_enabled=False)
    plain.route(
        "**/*",
        lambda route: (
            route.fulfill(response=route.fetch(), body=body)
            if route.request.is_navigation_request()
            else route.continue_()
        ),
    )
    plain.goto(PAGES[name](site))
    assert plain.locator("body").inner_text() == page.locator("body").inner_text()
    assert len(plain.locator("main").inner_text()) > 40


@every_page
def test_the_keyboard_reaches_everything_and_shows_where_it_is(name: str, site: Site, page: Page) -> None:
    page.add_init_script(_REMEMBER_FOCUS)
    page.goto(PAGES[name](site))
    reachable: list[str] = page.evaluate(_REACHABLE, _CONTROLS)
    # Once around. What scrolls by itself is stopped at as well.
    for _ in range(2 * len(reachable)):
        page.keyboard.press("Tab")
        if page.evaluate("() => window.focused.length > 1 && window.focused.at(-1)[0] === window.focused[0][0]"):
            break
    focused: list[tuple[str, bool]] = page.evaluate("() => window.focused")
    stops = [html for html, _ in focused[:-1]]
    assert [html for html in stops if html in set(reachable)] == reachable
    assert [html for html, ring in focused if not ring] == []


@pytest.mark.parametrize("name", [*PAGES, *PROBLEMS])
def test_it_can_be_found_one_s_way_in(name: str, site: Site, page: Page) -> None:
    page.goto(PAGES[name](site) if name in PAGES else PROBLEMS[name][0])
    counted = page.evaluate(
        "() => Object.fromEntries(['h1', 'main', 'script', 'style', '[style]', 'iframe']"
        ".map(selector => [selector, document.querySelectorAll(selector).length]))"
    )
    assert counted == {"h1": 1, "main": 1, "script": 0, "style": 0, "[style]": 0, "iframe": 0}
    assert [page.get_by_role(role).count() for role in _LANDMARKS] == [1, 1, 1]
    assert page.locator("html").get_attribute("lang") == "en"
    assert re.fullmatch(r"\S.* · TAP .+", page.title())
    levels = page.evaluate("() => [...document.querySelectorAll('h1, h2, h3, h4')].map(heading => +heading.tagName[1])")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


@every_page
def test_every_chart_says_what_it_shows(name: str, site: Site, page: Page) -> None:
    page.goto(PAGES[name](site))
    assert (
        page.evaluate(
            """() => [...document.querySelectorAll("svg")]
            .filter(svg => !svg.closest("[aria-hidden=true]") && !svg.parentElement.closest("svg"))
            .filter(svg => !["img", "group"].includes(svg.getAttribute("role"))
                || !(svg.querySelector(":scope > title")?.textContent.trim() || svg.getAttribute("aria-label")))
            .map(svg => svg.outerHTML.slice(0, 200))"""
        )
        == []
    )


@every_page
def test_links_are_of_the_site_or_lead_out_safely(name: str, site: Site, page: Page) -> None:
    page.goto(PAGES[name](site))
    links: list[dict[str, str]] = page.evaluate(
        "() => [...document.querySelectorAll('[href], [src], form')].map(link => ({"
        "address: link.getAttribute('href') ?? link.getAttribute('src') ?? link.getAttribute('action') ?? '',"
        " rel: link.getAttribute('rel') ?? ''}))"
    )
    for link in links:
        address, rel = link["address"], link["rel"]
        if address.startswith(("http://", "https://")):
            assert {"noopener", "noreferrer"} <= set(rel.split()), address
        else:
            assert re.match(r"/(?!/)|[#?]|$", address), address
