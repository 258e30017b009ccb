# mypy: ignore-errors
"""The same names as in checkout_checks.py."""

import unittest


class Checkout(unittest.TestCase):
    def test_total(self): ...

    def test_price(self): ...
