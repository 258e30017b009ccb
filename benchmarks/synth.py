"""Compares a whole synth with the mere import of all the provider's bindings, in processes of their own."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, medians

_PROJECT = Path(__file__).parent.parent
_LIMIT = 0.35


def figures(*, quick: bool) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as directory:
        shutil.copy(_PROJECT / "environments.toml", directory)

        def run(*arguments: str | Path) -> None:
            subprocess.run([sys.executable, *arguments], cwd=directory, check=True)

        sides = {
            "synth of one environment": lambda: run(_PROJECT / "main.py"),
            "plain import of the bindings": lambda: run("-c", "import cdktf_cdktf_provider_aws"),
        }
        synth, plain_import = medians(sides, rounds=1 if quick else 5).values()
    yield Figure(
        what="synth of one environment, against the import of all bindings",
        value=synth.elapsed / plain_import.elapsed,
        limit=_LIMIT,
    )
