"""The temporary folder of a platform."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ATTEMPTS, _PAUSE = 50, 0.1  # seconds


@contextmanager
def working_directory() -> Iterator[Path]:
    """A folder that is removed at the end. If something fails, the logs stay where they are: the error names one."""
    directory = Path(tempfile.mkdtemp(prefix="tap-"))
    try:
        yield directory
    except Exception:
        for path in directory.iterdir():
            if path.is_dir():
                _remove(path)
        raise
    except BaseException:
        _remove(directory)
        raise
    _remove(directory)


def _remove(directory: Path) -> None:
    """Remove a folder into which a process that was just killed may still write its last file."""
    for _ in range(_ATTEMPTS):
        with suppress(OSError):
            shutil.rmtree(directory)
            return
        time.sleep(_PAUSE)
    shutil.rmtree(directory)
