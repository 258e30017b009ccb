# ruff: noqa: N802, PLC2401, PT009
# mypy: ignore-errors
"""What a report of unittest-xml-reporting can hold."""

import sys
import unittest


class Checkout(unittest.TestCase):
    def test_total(self):
        print("a line on stdout")
        print("a line on stderr", file=sys.stderr)

    def test_price(self):
        self.assertEqual(13, 3 * 4, "the price is wrong")

    def test_unexpected_error(self):
        raise KeyError("customer")

    @unittest.skip('not before 2027 <soon> & "later"')
    def test_skipped(self): ...

    @unittest.expectedFailure
    def test_expected_failure(self):
        self.assertEqual(3, round(2.5))

    @unittest.expectedFailure
    def test_unexpected_pass(self): ...

    def test_subtests(self):
        for price in (1, -1, -2):
            with self.subTest("price <&>", price=price):
                self.assertGreater(price, 0)

    def test_grüße_世界(self):
        """Docstring of the test: größe 価格 🛒."""

    def test_ansi_colours(self):
        print("\x1b[31mred\x1b[0m ]]> <![CDATA[ done")
        self.fail("\x1b[31mred\x1b[0m ]]> done")


class FailureAndTearDown(unittest.TestCase):
    def tearDown(self):
        msg = "still locked"
        raise OSError(msg)

    def test_passes_then_error(self): ...

    def test_fails_then_error(self):
        self.fail("first the failure")


class SetUp(unittest.TestCase):
    def setUp(self):
        msg = "no database"
        raise ConnectionError(msg)

    def test_total(self): ...


class SetUpClass(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        msg = "no database for the class"
        raise ConnectionError(msg)

    def test_one(self): ...

    def test_two(self): ...


class Outer:
    class Refund(unittest.TestCase):
        def test_total(self): ...


class Other:
    class Refund(unittest.TestCase):
        def test_total(self): ...


Refund1, Refund2 = Outer.Refund, Other.Refund
