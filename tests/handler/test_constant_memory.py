"""The size of a report does not matter to the function's memory."""

import subprocess
import sys
from pathlib import Path

from psycopg.conninfo import make_conninfo

from tests.handler.helpers.surroundings import Postgres

ROOT = Path(__file__).parents[2]


def peak_of(postgres: Postgres, mib: int) -> int:
    """Bytes that a process takes at most to record a report of this size."""
    with postgres.connect() as connection:
        connection_string = make_conninfo(**connection.info.get_parameters(), password=postgres.password)
    command = [sys.executable, "-m", "tests.handler.helpers.large_report", str(mib), connection_string]
    return int(subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT).stdout)


def test_a_report_takes_as_much_memory_as_one_ten_times_as_large(postgres: Postgres) -> None:
    """300 MiB behave as 30 do; here they would take too long."""
    small, large = peak_of(postgres, 3), peak_of(postgres, 30)
    assert large - small < 3 * 1024 * 1024
