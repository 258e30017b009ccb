"""What several pages show."""

from __future__ import annotations

from uuid import UUID

import pytest

from handler.showing import models
from handler.showing.models import Status
from tests.handler.helpers.totals import totals


@pytest.mark.parametrize(
    ("counts", "status", "bad", "pass_rate"),
    [
        ({}, "skipped", 0, None),
        ({"skipped": 2}, "skipped", 0, None),
        ({"passed": 3, "skipped": 1}, "passed", 0, 1),
        ({"passed": 3, "flaky": 1}, "flaky", 0, 1),
        ({"passed": 6, "flaky": 1, "error": 1}, "error", 1, 7 / 8),
        ({"passed": 1, "flaky": 1, "error": 1, "failed": 1, "skipped": 5}, "failed", 2, 1 / 2),
    ],
)
def test_a_run_is_as_bad_as_its_worst_test(
    counts: dict[str, int], status: Status, bad: int, pass_rate: float | None
) -> None:
    assert (totals(**counts).status, totals(**counts).bad) == (status, bad)
    assert totals(**counts).pass_rate == pass_rate


@pytest.mark.parametrize(
    ("file", "suite", "classname", "name", "place"),
    [
        # pytest, which names the file in the class.
        (None, "pytest", "tests.test_stock.TestStock", "test_adds", "pytest › tests.test_stock.TestStock"),
        ("tests/test_stock.py", "pytest", "tests.test_stock.TestStock", "test_adds", "tests/test_stock.py › TestStock"),
        ("tests/test_stock.py", "pytest", "tests.test_stock", "test_adds", "tests/test_stock.py › tests.test_stock"),
        # Jest and Playwright, where the class is the file.
        ("cart.test.ts", "cart", "cart.test.ts", "adds one", "cart.test.ts"),
        (None, "cart.spec.ts", "cart.spec.ts", "adds one", "cart.spec.ts"),
        # JUnit of Java, where the suite is the class.
        (None, "com.shop.CartTest", "com.shop.CartTest", "adds", "com.shop.CartTest"),
        (None, "com.shop.CartTest", "CartTest", "adds", "com.shop.CartTest"),
        (None, "com.shop", "com.shop.CartTest", "adds", "com.shop.CartTest"),
        # Go, where the package is both.
        (None, "example.com/shop/cart", "example.com/shop/cart", "TestAdds", "example.com/shop/cart"),
        # What repeats the name of the test says nothing.
        (None, None, "adds", "adds", ""),
        (None, "adds", None, "adds", ""),
        (None, "adds", "cart", "adds", "cart"),
        (None, None, None, "adds", ""),
        (None, None, "cart", "adds", "cart"),
        ("cart.py", None, None, "adds", "cart.py"),
        ("cart.py", "outer › inner", None, "adds", "cart.py"),
        (None, "outer › inner", "Cart", "adds", "outer › inner › Cart"),
    ],
)
def test_a_test_stands_at_a_place_that_says_nothing_twice(
    file: str | None, suite: str | None, classname: str | None, name: str, place: str
) -> None:
    test = models.Test(test_id=UUID(int=1), file=file, suite=suite, classname=classname, name=name, variant=None)
    assert test.place == place
