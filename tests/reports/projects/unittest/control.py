# mypy: ignore-errors
"""Control characters in output and message."""

import unittest


class Control(unittest.TestCase):
    def test_control_characters(self):
        print("\x1b[31mred\x1b[0m \x00\x08\x0c\x7f ]]> \ufffe done")
        self.fail("\x1b[31mred\x1b[0m \x00\x08\x0c\x7f ]]> \ufffe done")
