"""Serves the pages with a made-up history, without a deploy: `python -m tests.browser.serve --data plausible`."""

from __future__ import annotations

import argparse
import signal
import time

from tests.browser.helpers.datasets import DATASETS
from tests.browser.helpers.site import served


def main() -> None:
    parser = argparse.ArgumentParser(description="Serves the results pages with a made-up history until Ctrl-C.")
    parser.add_argument("--data", choices=DATASETS, default="plausible")
    parser.add_argument("--port", type=int, default=8028)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.monotonic()
    try:
        with served(port=arguments.port) as site:
            site.show(arguments.data)
            print(f"{site.address} after {time.monotonic() - started:.1f} s, until Ctrl-C", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
