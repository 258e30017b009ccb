"""What a page says, and where it leads."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

# Texts that would be more than texts if a page took them for markup.
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&lt;b&gt;"

# Tags between which no word ends.
_IN_A_LINE = re.compile(r"</?(a|b|bdi|code|em|i|span|time|wbr)\b[^>]*>")
_HIDDEN = re.compile(r"<(title|style)\b.*?</\1>", re.DOTALL)


def words(page: str) -> str:
    """The words of the page between its head and its foot, in one line."""
    main = page.partition('<main id="main" class="frame">')[2].partition("</main>")[0]
    text = _IN_A_LINE.sub("", _HIDDEN.sub(" ", main or page))
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", text)).split())


def section(page: str, heading: str) -> str:
    """The words of the section whose heading has this id; an empty text if there is none."""
    found = re.search(rf'<section[^>]* aria-labelledby="{heading}">(.*?)</section>', page, re.DOTALL)
    return words(found[1]) if found else ""


def first(page: str, tag: str) -> str:
    """The words of the first element of this name."""
    found = re.search(rf"<{tag}[^>]*>(.*?)</{tag}>", page, re.DOTALL)
    assert found, f"no {tag}"
    return words(found[1])


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def tags(page: str) -> list[tuple[str, dict[str, str | None]]]:
    """All elements of a page with their attributes, as a browser takes them."""
    parser = _Tags()
    parser.feed(page)
    parser.close()
    return parser.tags


def links(page: str) -> list[str]:
    """Where its links lead, in their order."""
    return [str(attributes["href"]) for tag, attributes in tags(page) if tag == "a" and "href" in attributes]


def assert_harmless(page: str) -> None:
    """Nothing that a report says has become an element or an attribute, and what leads out is marked and on the web."""
    for tag, attributes in tags(page):
        assert tag not in ("script", "iframe", "object", "embed", "base", "math", "foreignobject"), tag
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, attributes)
            assert name != "style", (tag, attributes)
            if name in ("href", "src", "action"):
                assert value is not None
                is_own = value.startswith(("/", "#")) and not value.startswith("//")
                assert is_own or (tag == "a" and value.startswith(("https://", "http://"))), (tag, attributes)
                if not is_own:
                    assert attributes["rel"] == "noreferrer noopener external"
        if tag == "img":
            assert str(attributes["src"]).startswith("/static/")
