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
    [line] = [
        line
        for line in printed(Console(file=StringIO(), width=60, force_terminal=True, color_system=None))
        if "✓" in line
    ]
    assert re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", line).strip("\r") == f"✓ {LONG[:46]}…    0.0 s"


def test_log_has_all_of_it() -> None:
    assert printed(Console(file=StringIO(), width=60)) == [f"  {LONG} ...", f"✓ {LONG}    0.0 s"]
