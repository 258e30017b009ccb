"""Numbers, times and names as a person reads them."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import Markup

from handler.showing import formats

NOW = datetime(2026, 11, 23, 17, 40, 5, tzinfo=UTC)
UNITS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "days": 86_400}

SECONDS = st.floats(min_value=0, max_value=7 * 24 * 3600)
TEXTS = st.text() | st.text(alphabet="aB1_./:[-\\ <>&\"'\n\r\t›é\u202e")


def content(markup: Markup) -> str:
    """The text that a browser shows of it."""
    return html.unescape(re.sub(r"<[^>]*>", "", str(markup)))


def total(text: str) -> float:
    """What `1 min 43 s` comes to, in seconds."""
    words = text.replace(",", "").split()
    return sum(float(number) * UNITS[unit] for number, unit in zip(words[::2], words[1::2], strict=True))


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (999, "999"), (20_000, "20,000"), (1_234_567, "1,234,567"), (0.5, "0.5")]
)
def test_numbers_have_their_thousands_apart(value: float, text: str) -> None:
    assert formats.number(value) == text


class TestPercent:
    @pytest.mark.parametrize(
        ("share", "text"),
        [
            (None, "–"),
            (0, "0 %"),
            (0.0001, "< 0.1 %"),
            (0.001, "0.1 %"),
            (0.5, "50 %"),
            (0.787, "78.7 %"),
            (0.999, "99.9 %"),
            (0.99999, "> 99.9 %"),
            (1, "100 %"),
        ],
    )
    def test_has_one_digit_at_most(self, share: float | None, text: str) -> None:
        assert formats.percent(share) == text

    @given(st.floats(min_value=0, max_value=1), st.floats(min_value=0, max_value=1))
    @example(0.0, 5e-324)
    @example(0.9999999999999999, 1.0)
    def test_is_all_only_of_all_and_none_only_of_none_and_grows(self, one: float, other: float) -> None:
        assert (formats.percent(one) == "100 %") == (one == 1)
        assert (formats.percent(one) == "0 %") == (one == 0)

        def value(share: float) -> float:
            text = formats.percent(share)
            return {"< 0.1 %": 0.05, "> 99.9 %": 99.95}.get(text) or float(text.removesuffix(" %"))

        less, more = sorted((one, other))
        assert value(less) <= value(more)


class TestDuration:
    @pytest.mark.parametrize(
        ("seconds", "text"),
        [
            (None, "–"),
            (0, "0 ms"),
            (0.0004, "0 ms"),
            (0.0006, "1 ms"),
            (0.713, "713 ms"),
            (0.9994, "999 ms"),
            (0.9996, "1.0 s"),
            (8.31, "8.3 s"),
            (59.94, "59.9 s"),
            (59.96, "1 min 00 s"),
            (103, "1 min 43 s"),
            (3599.4, "59 min 59 s"),
            (3599.6, "1 h 00 min"),
            (7500, "2 h 05 min"),
            (7 * 24 * 3600, "168 h 00 min"),
            (3_700_000, "1,027 h 47 min"),
        ],
    )
    def test_has_the_unit_that_people_count_it_in(self, seconds: float | None, text: str) -> None:
        assert formats.duration(seconds) == text

    @given(SECONDS, SECONDS)
    @example(0.9995, 0.99949999)
    @example(59.95, 59.949999999999996)
    @example(3599.5, 3599.4999999999995)
    @example(3629.5, 3570.0)
    def test_grows_and_never_fills_a_unit(self, one: float, other: float) -> None:
        less, more = sorted((one, other))
        assert total(formats.duration(less)) <= total(formats.duration(more))
        text = formats.duration(one)
        assert not re.search(r"\b(1000(\.0)? ms|60(\.0)? s|60 min)\b", text)

    @given(SECONDS)
    def test_is_never_far_from_the_truth(self, seconds: float) -> None:
        assert total(formats.duration(seconds)) == pytest.approx(seconds, rel=0.051, abs=0.00051)

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [
            (0.5, "500 ms"),
            (12, "12 s"),
            (1.5, "1.5 s"),
            (120, "2 min"),
            (90, "1 min 30 s"),
            (600, "10 min"),
            (7200, "2 h"),
        ],
    )
    def test_of_an_axis_has_nothing_that_is_nought(self, seconds: float, text: str) -> None:
        assert formats.round_duration(seconds) == text


class TestTimes:
    EAST = datetime(2026, 11, 24, 1, 5, 9, tzinfo=timezone(timedelta(hours=8)))

    def test_are_in_utc(self) -> None:
        assert formats.exact(self.EAST) == "Mon 23 Nov 2026, 17:05:09 UTC"
        assert formats.day(self.EAST) == "23 Nov"
        assert formats.exact(datetime(2026, 3, 1, 0, 0, 0, tzinfo=UTC)) == "Sun 1 Mar 2026, 00:00:00 UTC"

    @pytest.mark.parametrize(
        ("before", "text"),
        [
            (timedelta(seconds=-30), "just now"),
            (timedelta(0), "just now"),
            (timedelta(seconds=59.9), "just now"),
            (timedelta(seconds=60), "1 min ago"),
            (timedelta(minutes=38, seconds=59), "38 min ago"),
            (timedelta(minutes=59, seconds=59), "59 min ago"),
            (timedelta(hours=1), "1 h ago"),
            (timedelta(hours=28, minutes=59), "28 h ago"),
            (timedelta(hours=35, minutes=59), "35 h ago"),
            (timedelta(hours=36), "2 days ago"),
            (timedelta(days=4, hours=2), "4 days ago"),
            (timedelta(days=59, hours=23), "60 days ago"),
            (timedelta(days=60), "24 Sep 2026"),
            (timedelta(days=365), "23 Nov 2025"),
        ],
    )
    def test_are_told_by_how_long_ago_they_were(self, before: timedelta, text: str) -> None:
        assert formats.ago(NOW - before, NOW) == text

    @given(*[st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=60) - timedelta(microseconds=1))] * 2)
    def test_of_long_ago_never_seem_later(self, one: timedelta, other: timedelta) -> None:
        def told(before: timedelta) -> float:
            text = formats.ago(NOW - before, NOW)
            return 0 if text == "just now" else total(text.removesuffix(" ago"))

        less, more = sorted((one, other))
        assert told(less) <= told(more)
        assert not re.match(r"(60 min|1 days)", formats.ago(NOW - one, NOW))


class TestBreakable:
    @pytest.mark.parametrize(
        ("name", "markup"),
        [
            ("", ""),
            ("adds", "adds"),
            ("test_adds_one", "test_<wbr>adds_<wbr>one"),
            ("src/cart/Cart.test.ts:12", "src/<wbr>cart/<wbr>Cart.<wbr>test.<wbr>ts:<wbr>12"),
            ("addsOneItem", "adds<wbr>One<wbr>Item"),
            ("adds[a-b]", "adds[<wbr>a-<wbr>b]"),
            ("a\\b", "a\\<wbr>b"),
            ("ends_", "ends_"),
            ("a_ b", "a_ b"),
            ("<b>_&", "&lt;b&gt;_<wbr>&amp;"),
        ],
    )
    def test_breaks_where_words_end(self, name: str, markup: str) -> None:
        assert formats.breakable(name) == markup

    @given(TEXTS)
    def test_says_what_the_name_says(self, name: str) -> None:
        written = formats.breakable(name[:300])
        assert content(written) == name[:300]
        assert set(re.findall(r"<[^>]*>", written)) <= {"<wbr>"}

    def test_of_a_very_long_name_has_the_beginning_and_the_end(self) -> None:
        name = "a" * 150 + "x" + "b" * 150
        assert content(formats.breakable(name)) == f"{'a' * 150} … {'b' * 150}"
        assert content(formats.breakable(name.replace("x", ""))) == "a" * 150 + "b" * 150


class TestOneLine:
    @pytest.mark.parametrize(
        ("text", "limit", "line"),
        [
            ("", 5, ""),
            ("adds", 5, "adds"),
            ("  a \n\t b  ", 5, "a b"),
            ("abcde", 5, "abcde"),
            ("abcdef", 5, "abcde…"),
            ("abcd efg", 5, "abcd…"),
            (" " * 20 + "a", 5, "…"),
            ("a" + " " * 20, 5, "a…"),
        ],
    )
    def test_is_the_beginning_in_one_line(self, text: str, limit: int, line: str) -> None:
        assert formats.one_line(text, limit) == line

    @given(TEXTS, st.integers(min_value=1, max_value=50))
    def test_has_nothing_that_the_text_has_not(self, text: str, limit: int) -> None:
        line = formats.one_line(text, limit)
        assert len(line) <= limit + 1
        assert not re.search(r"[\n\r\t]", line)
        whole = " ".join(text.split())
        assert line == whole or (line.endswith("…") and whole.startswith(line[:-1]))


class TestTrace:
    def test_tells_the_lines_that_failed_from_the_others(self) -> None:
        text = "def test():\n>   assert a == b\nE   AssertionError\nE\nEven so\ntest_a.py:12: AssertionError\n  x:1: no"
        assert formats.trace(text).split("\n") == [
            "def test():",
            "<b>&gt;   assert a == b</b>",
            "<span class=fault>E   AssertionError</span>",
            "<span class=fault>E</span>",
            "Even so",
            "<b>test_a.py:12: AssertionError</b>",
            "  x:1: no",
        ]

    @given(TEXTS | st.text(alphabet=">E:1 \n<&").map(lambda text: f"E {text}"))
    @example("E <script>alert(1)</script>")
    @example("> </b><img src=x>")
    @example("a:1: <i>")
    def test_says_what_the_text_says(self, text: str) -> None:
        written = formats.trace(text)
        assert content(written) == text
        assert set(re.findall(r"<[^>]*>", written)) <= {"<b>", "</b>", "<span class=fault>", "</span>"}
