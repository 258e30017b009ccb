"""Long texts, cut to what the database keeps of them."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.texts import BoundedText, cut


def bounded(*pieces: str, limit: int = 10) -> str:
    collecting = BoundedText(limit)
    for piece in pieces:
        collecting.append(piece)
    return collecting.text()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("0123456789", "0123456789"),
        ("0123456789a", "01234\n[... 1 characters cut ...]\n6789a"),
        ("0123456789" * 1000, "01234\n[... 9990 characters cut ...]\n56789"),
        (
            "\u00e4\U0001f600" * 6,
            "\u00e4\U0001f600" * 2 + "\u00e4\n[... 2 characters cut ...]\n" + "\U0001f600\u00e4" * 2 + "\U0001f600",
        ),
    ],
)
def test_a_long_text_keeps_its_beginning_and_its_end(text: str, kept: str) -> None:
    """The limit counts characters, not bytes, and what was cut is counted between them."""
    assert bounded(text) == kept


def test_blanks_around_a_text_are_dropped() -> None:
    """They are the report's layout."""
    assert bounded("\n\t a\n b \n") == "a\n b"


def test_blanks_around_a_cut_text_are_dropped() -> None:
    """Those next to the cut are part of what was said."""
    assert bounded("  01 ", " cut ", "  89 ") == "01 \n[... 5 characters cut ...]\n  89"


@given(st.lists(st.text("ab \n")), st.integers(1, 5))
def test_it_does_not_matter_in_which_pieces_a_text_comes(pieces: list[str], half: int) -> None:
    """The parser cuts where it likes."""
    assert bounded(*pieces, limit=2 * half) == bounded("".join(pieces), limit=2 * half)


@given(st.text("abc"), st.integers(1, 5))
def test_beginning_end_and_what_is_cut_add_up(text: str, half: int) -> None:
    """Nothing is dropped uncounted."""
    kept = bounded(text, limit=2 * half)
    missing = len(text) - 2 * half
    assert kept == (text if missing <= 0 else f"{text[:half]}\n[... {missing} characters cut ...]\n{text[-half:]}")


def test_an_endless_text_takes_constant_memory() -> None:
    """However small its pieces are."""
    collecting = BoundedText(1_000)
    tracemalloc.start()
    for _ in range(100_000):
        collecting.append("0123456789")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000


def test_a_text_within_the_limit_is_not_touched() -> None:
    """A name may begin and end with blanks."""
    assert cut(" 01234567 ", 10) == " 01234567 "


def test_a_text_over_the_limit_is_cut() -> None:
    """As texts are that come in pieces."""
    assert cut("0123456789a", 10) == "01234\n[... 1 characters cut ...]\n6789a"
