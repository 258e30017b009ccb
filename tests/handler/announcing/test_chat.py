"""What reports say, in chats: nothing of it is markup, a mention or a link there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from handler.announcing.changes import CHANGES, FailureChanges
from handler.announcing.chat import code, plain
from handler.announcing.failures_changed import failures_changed
from handler.origin import Origin
from handler.recording.results import Run
from handler.showing import models
from tests.handler.helpers.schemas import assert_documented

# As Teams reads Markdown, which is CommonMark with struck texts and tables.
TEAMS = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
# Slack's own markup: https://docs.slack.dev/messaging/formatting-message-text.
SLACK_CONTROL = re.compile("[<>&]")
# What some program hides, or reads as an order: controls, and those that turn the direction of a text.
HIDDEN = re.compile(
    "[\0-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0001\U000e0020-\U000e007f\ud800-\udfff]"
)

HOSTILE = [
    "<!channel> <!here> <!everyone>",
    "<@U123> <#C123> <!subteam^S123>",
    "<at>everyone</at>",
    "@channel @here @everyone",
    "<https://evil.example|click>",
    "https://evil.example http://evil.example",
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "[a][b]\n\n[b]: https://evil.example",
    "*bold* _slanted_ ~struck~ ~~struck~~ **bold**",
    "`code` ```fence```",
    "`",
    "&lt;!channel&gt; &amp; &",
    "a\n\n# Heading\n> quoted\n- item",
    "a | b\n--- | ---\nc | d",
    "<b>x</b><script>alert(1)</script>",
    '"quoted" \\ \\" \\n \\u003c',
    "<title> <newly_failing> <page_url>",
    "${jndi:ldap://evil.example} $.detail",
    "\u202eevil\u202c \u2066x\u2069 \u200b \u2028 \x85 \ufeff \U000e0041 \x00 \x1b[31m \x07",
    "\r\n\t\x0b",
    "",
    " ",
    "…",
    "x" * 5_000,
    "<" * 5_000,
    "\U0001f600" * 5_000,
    "](" * 3_000,
]
texts = st.text(st.characters(), max_size=60) | st.sampled_from(HOSTILE)
texts |= st.lists(st.sampled_from([*HOSTILE, *'`$\\<>[]()|@#\n *_-:/&"~']), max_size=8).map("".join)


def inline(markdown: str) -> Iterator[Token]:
    for token in TEAMS.parse(markdown):
        if token.children is None:
            yield token
        else:
            yield from token.children


def event_detail(text: str) -> dict[str, object]:
    """The event of a run in which everything is called so."""
    test = models.Test(
        test_id=UUID(int=1), file=f"{text}.py", suite=text, classname=f"{text}x", name=text, variant=text
    )
    origin = Origin(project=text or "p", branch=text, commit=text, build_url=text)
    run = Run(
        id=UUID(int=2),
        series=text or "s",
        totals=dict.fromkeys(("tests", "passed", "failed", "error", "skipped", "flaky"), 1_000_000),
        duration=None,
        incomplete_suites=0,
    )
    changes = FailureChanges(
        base_id=UUID(int=3),
        base_commit=text,
        counts=dict.fromkeys(CHANGES, 1_000_000),
        tests={change: [test] * 10 for change in CHANGES},
    )
    event = failures_changed(origin, run, changes, results_address="https://tap.example.com", with_names=True)
    assert_documented({"detail-type": event.detail_type, "detail": event.detail})
    return event.detail


def for_every_hostile_text(test: Callable[[str], None]) -> Callable[..., None]:
    for text in HOSTILE:
        test = example(text)(test)
    return settings(deadline=None)(given(texts)(test))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("test_adds[chromium-1]", "test_adds[chromium-1]"),
        ("com.example.CartTest", "com.example.CartTest"),
        ("renders <Button> & label", "renders ‹Button› ＆ label"),
        ("<!channel>", "‹!channel›"),
        ("<@U123>", "‹＠U123›"),
        ("*bold* `code` ~x~", "∗bold∗ ‘code‘ ∼x∼"),
        ('C:\\temp "x" | y', "C:＼temp ”x” ｜ y"),
        ("see https://evil.example", "see https:∕∕evil.example"),
        ("[click](//evil.example)", "[click] (//evil.example)"),
        ("two\n lines\t", "two lines"),
        ("a\x00b\x1b[31m\u202ec", "a\ufffdb\ufffd[31m\ufffdc"),
        ("می\u200cخواهم 👩\u200d💻", "می\u200cخواهم 👩\u200d💻"),
        ("x" * 30, "x" * 24 + "…"),
        ("x" * 25, "x" * 25),
        ("", "…"),
    ],
)
def test_a_text_is_shown_so(text: str, shown: str) -> None:
    """As like itself as may be."""
    assert plain(text, 25) == shown


@for_every_hostile_text
def test_a_text_is_inert_by_itself(text: str) -> None:
    """Whatever chat a rule of somebody else puts it into; slanted it may be."""
    shown = plain(text, 200)
    assert 1 <= len(shown) <= 200
    assert not SLACK_CONTROL.search(shown)
    assert not HIDDEN.search(shown)
    assert not re.search('[`*~@"\\\\|\n]|://', shown)
    kinds = {token.type for token in inline(f"x {shown}")}
    assert kinds <= {"paragraph_open", "paragraph_close", "text", "em_open", "em_close", "strong_open", "strong_close"}


@for_every_hostile_text
def test_a_text_as_code_is_code_and_nothing_else(text: str) -> None:
    """Both chats end it at the same place."""
    shown = code(text, 200)
    tokens = [token for token in inline(f"x {shown} y") if not token.type.startswith("paragraph")]
    assert [token.type for token in tokens] == ["text", "code_inline", "text"]
    assert shown.count("`") == 2
    assert not SLACK_CONTROL.search(shown)


@for_every_hostile_text
def test_a_message_fits_into_json_and_into_the_chats(text: str) -> None:
    """A rule's template puts its lines between quotes: nothing in them ends these, and no line breaks."""
    message = event_detail(text)["message"]
    assert isinstance(message, dict)
    for line in message.values():
        assert json.loads(f'"{line}"') == line
        assert not SLACK_CONTROL.search(line)
        assert not HIDDEN.search(line)
    lines = [message[name] for name in ("newly_failing", "fixed", "still_failing")]
    assert len("\n".join(lines)) + 200 < 3_000
    kinds = {token.type for line in lines for token in inline(line)}
    assert kinds <= {"paragraph_open", "paragraph_close", "text", "code_inline"}
