"""The temporary folder of a platform."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def working_directory() -> Iterator[Path]:
    """A folder that is removed at the end. If something fails, the logs stay where they are: the error names one."""
    directory = Path(tempfile.mkdtemp(prefix="tap-"))
    try:
        yield directory
    except Exception:
        for path in directory.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
        raise
    except BaseException:
        shutil.rmtree(directory)
        raise
    shutil.rmtree(directory)
