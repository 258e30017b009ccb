"""Progress for a person: one line a step, with its time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

_WIDTH = 56


@contextmanager
def step(console: Console, title: str) -> Iterator[None]:
    """Show that `title` is under way, then how many seconds it took, or that it failed.

    On a terminal a clock runs meanwhile; in a log the title stands there from the start.
    """
    line = escape(title.ljust(_WIDTH))
    begin = time.monotonic()
    mark = "[red]✗"
    try:
        if console.is_terminal:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            with Progress(*columns, console=console, transient=True) as progress:
                progress.add_task(line, total=None)
                yield
        else:
            console.print(f"  {escape(title)} ...", highlight=False)
            yield
        mark = "[green]✓"
    finally:
        seconds = f"{time.monotonic() - begin:.1f} s"
        console.print(f"{mark}[/] {line} {seconds:>8}", highlight=False)
