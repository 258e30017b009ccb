"""Measures what is claimed: `make benchmark`. The whole of it is written to benchmarks/RESULTS.md."""

import argparse
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import first_paint, history, imports, large_report, report, synth, throughput
from benchmarks.figures import Figure, database

_RESULTS = Path(__file__).with_name("RESULTS.md")
_BENCHMARKS = {
    "synth": synth,
    "imports": imports,
    "report": report,
    "large_report": large_report,
    "throughput": throughput,
    "first_paint": first_paint,
    "history": history,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and only once: less than two minutes")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(_BENCHMARKS)}")
    arguments = parser.parse_args()
    begun = time.monotonic()
    found: list[Figure] = []
    for name in arguments.names or _BENCHMARKS:
        print(f"{name}:", flush=True)
        for figure in _BENCHMARKS[name].figures(quick=arguments.quick):
            print(figure, flush=True)
            found.append(figure)
    if not arguments.quick and not arguments.names:
        _RESULTS.write_text(_text(found, minutes=(time.monotonic() - begun) / 60), encoding="utf-8")
    missed = [figure for figure in found if figure.is_missed]
    # A quick one is for whoever changes the benchmarks: its figures are those of a small history, and of a moment.
    sys.exit(not arguments.quick and f"{len(missed)} of {len(found)} figures are missed" if missed else 0)


def _text(found: list[Figure], *, minutes: float) -> str:
    with database() as connection:
        [(version,)] = connection.execute("show server_version")
    rows = [
        f"| {figure.what} | {figure.value:.3g} {figure.unit} | {'' if figure.limit is None else f'{figure.limit:g}'} |"
        for figure in found
    ]
    return "\n".join(
        [
            "# What was measured",
            "",
            f"By `make benchmark` on {datetime.now(UTC):%Y-%m-%d}, in {minutes:.0f} minutes, on {os.cpu_count()} cores"
            f" ({platform.machine()}, {platform.system()}), with Python {platform.python_version()} and PostgreSQL"
            f" {version} as it is by default.",
            "A value without a unit is a ratio of both sides of one run.",
            "",
            "| what | measured | at most |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    main()
