"""Progress for a person: one line a step, with its time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

from local.cdktf import Report

_WIDTH = 56
_OTHERS = 13  # characters beside the title: the mark and the seconds


@contextmanager
def step(console: Console, title: str) -> Iterator[Report]:
    """Show that `title` is under way, then how many seconds it took, or that it failed.

    On a terminal a clock runs meanwhile, and beside it stands what was last said to the function that this gives. In a
    log the title stands there from the start, and what is said whenever it begins differently: with another number.
    """
    room = console.width - _OTHERS
    if console.is_terminal and len(title) > room:
        title = title[: room - 1] + "…"
    line = escape(title.ljust(min(_WIDTH, room)))
    begin = time.monotonic()
    mark = "[red]✗"
    try:
        if console.is_terminal:
            waits_for = TextColumn("{task.fields[waits_for]}", table_column=Column(ratio=1, no_wrap=True))
            columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), waits_for)
            with Progress(*columns, console=console, transient=True, expand=True) as progress:
                task = progress.add_task(escape(title), total=None, waits_for="")
                yield lambda text: progress.update(task, waits_for=f"[dim]{escape(text)}")
        else:
            console.print(f"  {escape(title)} ...", highlight=False, soft_wrap=True)
            yield _Log(console)
        mark = "[green]✓"
    finally:
        seconds = f"{time.monotonic() - begin:.1f} s"
        console.print(f"{mark}[/] {line} {seconds:>8}", highlight=False, soft_wrap=True)


class _Log:
    """What is said where there is no terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._beginning = ""

    def __call__(self, text: str) -> None:
        beginning = text.partition(" ")[0]
        if beginning != self._beginning:
            self._beginning = beginning
            self._console.print(f"    {escape(text)}", highlight=False)
