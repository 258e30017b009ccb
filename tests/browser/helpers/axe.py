"""axe-core, which knows the rules of accessible pages."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

_AXE = Path(__file__).parents[3] / "node_modules/axe-core/axe.min.js"


def bring(page: Page) -> None:
    """Before the page is opened: no policy of the page's keeps it out then."""
    page.add_init_script(path=_AXE)


def violations(page: Page) -> list[str]:
    """Each rule that is not kept, with the element."""
    found = page.evaluate("() => axe.run({resultTypes: ['violations']})")["violations"]
    return [f"{rule['id']}: {node['failureSummary']} {node['html'][:300]}" for rule in found for node in rule["nodes"]]
