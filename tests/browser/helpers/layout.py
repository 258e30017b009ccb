"""Whether a page is as wide as its window."""

from __future__ import annotations

from playwright.sync_api import Page

# The innermost elements that stand out, but those in what scrolls by itself, or cuts off. What overlaps by a pixel is
# rounding.
STANDING_OUT = """width => {
    const standsOut = element => {
        const box = element.getBoundingClientRect();
        if (!box.width || box.right <= width + 1) return false;
        for (let around = element.parentElement; around && around !== document.body; around = around.parentElement)
            if (getComputedStyle(around).overflowX !== "visible") return false;
        return true;
    };
    const found = [...document.querySelectorAll("body *")].filter(standsOut);
    const innermost = found.filter(element => !found.some(other => other !== element && element.contains(other)));
    return [
        ...document.documentElement.scrollWidth > width ? [`${document.documentElement.scrollWidth} px wide`] : [],
        ...innermost.slice(0, 3).map(element =>
            `to ${Math.round(element.getBoundingClientRect().right)} px: ${element.outerHTML.slice(0, 120)}`),
    ];
}"""


def too_wide(page: Page) -> list[str]:
    """What is wider than the window. A text that has its own scroll bar is not."""
    size = page.viewport_size
    assert size
    found: list[str] = page.evaluate(STANDING_OUT, size["width"])
    return found
