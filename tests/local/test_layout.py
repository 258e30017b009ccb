"""Tables fit the terminal, and stay readable in a narrow one."""

from collections.abc import Sequence
from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from local.layout import Cell, Column, fold, listing, number, show_table

COLUMNS = [
    Column("uploaded"),
    Column("project", least=16),
    Column("series", least=16, leaves=2),
    Column("commit", leaves=3),
    listing("tests", least=20),
    number("duration", leaves=1),
]
LONG = [
    "2026-11-28 20:38",
    "team-payments/checkout-service",
    "integration (ubuntu-24.04, py3.13)",
    "9d2c41ab",
    "2 passed, 2 failed, 1 error, 1 skipped, 1 flaky",
    "2 min 49 s",
]
SHORT = ["2026-11-28 20:33", "shop", "unit", "1f00aa", "2 passed", "0.250 s"]


def table(width: int, rows: Sequence[Sequence[Cell]] = (LONG, SHORT), columns: Sequence[Column] = COLUMNS) -> list[str]:
    output = StringIO()
    show_table(Console(file=output, width=width), "Latest runs", columns, rows)
    return [line.rstrip() for line in output.getvalue().splitlines() if line.strip()]


def test_wide_terminal_shows_all() -> None:
    assert table(180) == [
        "Latest runs",
        "  uploaded          project                         series                              commit    tests"
        "                                              duration",
        "  2026-11-28 20:38  team-payments/checkout-service  integration (ubuntu-24.04, py3.13)  9d2c41ab  2 passed,"
        " 2 failed, 1 error, 1 skipped, 1 flaky  2 min 49 s",
        "  2026-11-28 20:33  shop                            unit                                1f00aa    2 passed"
        "                                            0.250 s",
    ]


def test_eighty_columns() -> None:
    """A column that matters less has left; names and lists are folded where they have parts."""
    assert table(80) == [
        "Latest runs (a wider terminal also shows: series)",
        "  uploaded          project           commit    tests                   duration",
        "  2026-11-28 20:38  team-payments/    9d2c41ab  2 passed, 2 failed,   2 min 49 s",
        "                    checkout-service            1 error, 1 skipped,",
        "                                                1 flaky",
        "  2026-11-28 20:33  shop              1f00aa    2 passed                 0.250 s",
    ]


def test_sixty_columns() -> None:
    assert table(60) == [
        "Latest runs (a wider terminal also shows: series, commit,",
        "duration)",
        "  uploaded          project           tests",
        "  2026-11-28 20:38  team-payments/    2 passed, 2 failed,",
        "                    checkout-service  1 error, 1 skipped,",
        "                                      1 flaky",
        "  2026-11-28 20:33  shop              2 passed",
    ]


def test_column_that_leaves_makes_room_for_one_that_left_before() -> None:
    """If it is narrower."""
    columns = [Column("test", least=10), Column("long", leaves=2), number("runs", leaves=1)]
    assert table(24, [["tests.cart", "x" * 12, 3]], columns) == [
        "Latest runs (a wider",
        "terminal also shows:",
        "long)",
        "  test        runs",
        "  tests.cart     3",
    ]


@pytest.mark.parametrize("width", range(37, 200))
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Nor is a column squeezed, or a word cut that has a place to be folded."""
    lines = table(width)
    assert max(map(len, lines)) <= width
    words = {word for line in lines for word in line.split()}
    assert words >= {"2026-11-28", "passed,", "flaky"}


def test_nothing_to_show() -> None:
    assert table(80, []) == ["Latest runs: none"]


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("short", 10, ["short"]),
        ("tests.cart > adds", 17, ["tests.cart > adds"]),
        ("tests.cart > adds", 16, ["tests.cart >", "adds"]),
        ("the server is down", 10, ["the server", "is down"]),
        ("tests.checkout.test_payment_is_retried", 16, ["tests.checkout.", "test_payment_is_", "retried"]),
        ("team-payments/checkout-service", 16, ["team-payments/", "checkout-service"]),
        ("com.example.PaymentProviderIntegrationTest", 20, ["com.example.", "PaymentProvider", "IntegrationTest"]),
        ("test_rounds[99-EUR]", 14, ["test_rounds", "[99-EUR]"]),
        ("C:\\tests\\cart.cs", 10, ["C:\\tests\\", "cart.cs"]),
        ("x" * 25, 10, ["x" * 10, "x" * 10, "x" * 5]),
        # A place near to the beginning is left to a better one.
        ("a checkout.test_payments", 20, ["a checkout.", "test_payments"]),
        # Characters that take two cells.
        ("購入テスト", 4, ["購入", "テス", "ト"]),
        ("購", 1, ["購"]),
    ],
)
def test_folded_where_a_name_has_parts(text: str, width: int, lines: list[str]) -> None:
    assert fold(Text(text), width).plain.split("\n") == lines


def test_nothing_is_lost_by_folding() -> None:
    """But the blank that a line ends with; and every line fits."""
    text = "tests.integration > test_[größe-東京/x] says: no such file, \\server (2)"
    for width in range(2, 90):
        folded = fold(Text(text), width).plain
        assert folded.replace("\n", "").replace(" ", "") == text.replace(" ", "")
        assert max(map(cell_len, folded.split("\n"))) <= width


def test_colours_stay_with_their_words() -> None:
    totals = Text(", ").join([Text("2 passed", "green"), Text("1 failed", "red")])
    folded = fold(totals, 12, listing("tests", least=1).breaks)
    assert [(folded.plain[span.start : span.end], span.style) for span in folded.spans] == [
        ("2 passed", "green"),
        ("1 failed", "red"),
    ]
