"""A step is one line."""

import re
from io import StringIO

from rich.console import Console

from local.progress import step

LONG = "Upload team-payments/checkout-service/a-report-with-a-long-name.xml and wait until it is processed"


def printed(console: Console) -> list[str]:
    with step(console, LONG):
        pass
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


def test_long_title_is_cut_to_the_terminal() -> None:
    *_, last = printed(Console(file=StringIO(), width=60, force_terminal=True, color_system=None))
    line = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]|\r", "", last)
    assert re.fullmatch(rf"✓ {LONG[:46]}… +\d\.\d s", line)
    assert len(line) <= 60


def test_log_has_all_of_it() -> None:
    title, result = printed(Console(file=StringIO(), width=60))
    assert title == f"  {LONG} ..."
    assert re.fullmatch(rf"✓ {LONG} +\d\.\d s", result)
