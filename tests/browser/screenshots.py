"""Takes the pictures of the pages that README.md and docs/ show: `python -m tests.browser.screenshots`.

With `--all DIRECTORY` it takes each page there, with each history, in light and dark, wide and on a phone.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser

from tests.browser.helpers.chromium import launched
from tests.browser.helpers.pages import PAGES, pages_of_a_history
from tests.browser.helpers.site import Site, served

_PICTURES = Path(__file__).parents[2] / "docs/pictures"
_Scheme = Literal["light", "dark"]
_SCHEMES: tuple[_Scheme, ...] = ("light", "dark")
_WIDTHS = (1440, 360)
# Of each page: the scheme and the width of its pictures.
_SHOWN: dict[str, list[tuple[_Scheme, int]]] = {
    "projects": [("light", 1440)],
    "project": [("light", 1440), ("dark", 1440)],
    "run": [("light", 1440), ("dark", 1440), ("light", 360)],
    "test": [("light", 1440)],
    "grid": [("light", 1440), ("light", 360)],
    "flaky": [("light", 1440)],
}
# Of a long page, the beginning says enough.
_HEIGHTS = {1440: 1200, 360: 1000}
# The pictures change only when the pages do.
_NOW = datetime(2026, 11, 24, 17, 40, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description="Takes pictures of the pages, with made-up histories.")
    parser.add_argument(
        "--all", type=Path, metavar="DIRECTORY", help="take all pages with all histories, into this folder"
    )
    directory: Path | None = parser.parse_args().all
    with launched() as browser, served(now=_NOW) as site:
        if directory:
            _take_all(browser, site, directory)
        else:
            _take_shown(browser, site)


def _take_shown(browser: Browser, site: Site) -> None:
    site.show("plausible")
    _PICTURES.mkdir(exist_ok=True)
    for name, kinds in _SHOWN.items():
        for scheme, width in kinds:
            _take(browser, site.address + PAGES[name](site), scheme, width, _HEIGHTS[width], _PICTURES, name)


def _take_all(browser: Browser, site: Site, directory: Path) -> None:
    for data in ("plausible", "empty", "tiny", "large"):
        site.show(data)
        (directory / data).mkdir(parents=True, exist_ok=True)
        pages = {name: of(site) for name, of in PAGES.items()} if data == "plausible" else pages_of_a_history(site)
        for name, path in pages.items():
            for scheme in _SCHEMES:
                for width in _WIDTHS:
                    _take(browser, site.address + path, scheme, width, None, directory / data, name)


def _take(
    browser: Browser, address: str, scheme: _Scheme, width: int, height: int | None, directory: Path, name: str
) -> None:
    """`height`: pixels of a picture at most."""
    page = browser.new_page(viewport={"width": width, "height": 740}, color_scheme=scheme)
    response = page.goto(address)
    if not response or not response.ok:
        raise SystemExit(f"TAP: {address} answers {response and response.status}: there is no picture of it.")
    whole = int(page.evaluate("() => document.documentElement.scrollHeight"))
    path = directory / f"{name}-{scheme}{'' if width == _WIDTHS[0] else f'-{width}'}.png"
    page.screenshot(
        path=path, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": min(whole, height or whole)}
    )
    page.close()
    print(f"{path} ({path.stat().st_size / 1000:.0f} kB)", flush=True)


if __name__ == "__main__":
    main()
