"""Compares a whole synth with the mere import of all the provider's bindings: `make benchmark`.

Both sides run alternately, in processes of their own, so that the ratio holds on a busy machine as well.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_PROJECT = Path(__file__).parent.parent
_ROUNDS = 5
_LIMIT = 0.35


def main() -> None:
    synth, plain_import = [], []
    with tempfile.TemporaryDirectory() as directory:
        shutil.copy(_PROJECT / "environments.toml", directory)
        for _ in range(_ROUNDS):
            synth.append(_seconds([_PROJECT / "main.py"], directory))
            plain_import.append(_seconds(["-c", "import cdktf_cdktf_provider_aws"], directory))
    ratio = statistics.median(synth) / statistics.median(plain_import)
    print(f"synth of one environment: {statistics.median(synth):.1f} s (median of {_ROUNDS})")
    print(f"plain import of the bindings: {statistics.median(plain_import):.1f} s")
    print(f"ratio: {ratio:.2f} (at most {_LIMIT})")
    sys.exit(ratio > _LIMIT)


def _seconds(arguments: list[str | Path], directory: str) -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=directory, check=True)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
