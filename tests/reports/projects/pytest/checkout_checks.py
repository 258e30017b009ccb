# ruff: noqa: N802, PLC2401
# mypy: ignore-errors
"""What a report of pytest can hold: each status, each way to get there, and contents that are hard to write down."""

import sys
import unittest
import warnings

import pytest

attempts = {"second time": 0}


@pytest.fixture
def no_database():
    msg = "no database"
    raise ConnectionError(msg)


@pytest.fixture
def locked_file():
    yield
    msg = "still locked"
    raise OSError(msg)


def test_total():
    print("a line on stdout")
    print("a line on stderr", file=sys.stderr)


def test_price():
    assert 3 * 4 == 13, "the price is wrong"


def test_unexpected_error():
    raise KeyError("customer")


def test_setup_error(no_database): ...


def test_teardown_error(locked_file): ...


def test_failure_and_teardown_error(locked_file):
    assert False  # noqa: B011, PT015


@pytest.mark.skip(reason='not before 2027 <soon> & "later"')
def test_skipped(): ...


def test_skipped_inside():
    pytest.skip("no printer")


@pytest.mark.xfail(reason="rounding, issue 7")
def test_expected_failure():
    assert round(2.5) == 3


@pytest.mark.xfail(reason="mended long ago")
def test_unexpected_pass(): ...


@pytest.mark.xfail(strict=True, reason="must fail")
def test_unexpected_pass_strict(): ...


def test_passes_the_second_time():
    attempts["second time"] += 1
    assert attempts["second time"] > 1


@pytest.mark.parametrize("amount", [0, 1, -1])
def test_amount(amount):
    assert amount >= 0


@pytest.mark.parametrize("text", ["<b>&\"'</b>", "größe", "価格", "🛒", "a::b[c]", "a/b c", ""])
def test_text(text): ...


class TestRefund:
    def test_total(self): ...

    class TestPartly:
        def test_total(self):
            raise ValueError


class TestVoucher:
    def test_total(self): ...

    class TestPartly:
        def test_total(self): ...


class OldStyle(unittest.TestCase):
    def test_total(self): ...


def test_grüße_世界(): ...


def test_control_characters():
    print("\x1b[31mred\x1b[0m \x00\x08\x0c\x7f ]]> \ud800 \ufffe done".encode("utf-8", "replace").decode())
    warnings.warn("\x1b[33myellow\x1b[0m", stacklevel=1)
    raise AssertionError("\x1b[31mred\x1b[0m \x00\x08\x0c\x7f\x85 ]]> \ufffe <![CDATA[ done")


def test_properties(record_property):
    record_property("ticket", "SHOP-1 <&>")
