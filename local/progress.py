"""Progress for a person: one line a step, with its time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

_WIDTH = 56


@contextmanager
def step(console: Console, title: str) -> Iterator[None]:
    """Show that `title` is under way, then how many seconds it took, or that it failed.

    On a terminal a clock runs meanwhile; in a log the title stands there from the start.
    """
    begin = time.monotonic()
    mark = "[red]✗"
    try:
        if console.is_terminal:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            with Progress(*columns, console=console, transient=True) as progress:
                progress.add_task(title.ljust(_WIDTH), total=None)
                yield
        else:
            console.print(f"  {title} ...", highlight=False)
            yield
        mark = "[green]✓"
    finally:
        seconds = f"{time.monotonic() - begin:.1f} s"
        console.print(f"{mark}[/] {title.ljust(_WIDTH)} {seconds:>8}", highlight=False)
