"""`open`: the pages of an environment in AWS, in the viewer's browser."""

import os
import sys
import threading
import webbrowser

from rich.console import Console

from local.pages import Pages
from local.signing import ResultsFunction


def run_open(console: Console, environment: str, *, port: int, starts_browser: bool) -> None:
    """Serve the pages until the user interrupts. Raises PortTakenError, ResultsUnavailableError."""
    with Pages(port) as pages:
        pages.function = ResultsFunction.find(environment)
        for line in (
            f"The results of {environment} ({pages.function.place}), read with your AWS credentials:",
            "",
            f"  {pages.address}",
            "",
            "Ctrl-C ends it.",
        ):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        if starts_browser and _has_browser():
            # Some that BROWSER names return only when they are closed.
            threading.Thread(target=webbrowser.open, args=[pages.address], daemon=True).start()
        pages.serve_forever()


def _has_browser() -> bool:
    """Whether one would show up beside the terminal, and not in it."""
    return sys.platform != "linux" or any(map(os.environ.get, ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")))
