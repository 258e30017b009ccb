# ruff: noqa: PLR0133
# mypy: ignore-errors
"""Subtests, which pytest has since 9.0."""


def test_prices(subtests):
    for price in (1, -1, 2, -2):
        with subtests.test("the price", price=price):
            assert price > 0


def test_all_right(subtests):
    for price in (1, 2):
        with subtests.test(price=price):
            assert price > 0


def test_fails_itself(subtests):
    with subtests.test("first"):
        assert 1 == 2
    assert 3 == 4
