"""Imports the functions and makes their clients: what ingests, beside the stack that such functions usually have, and
what shows the results, beside what ingests.

All come from the package that is deployed, the usual one without the byte code, in processes that may write none, as in
Lambda.
"""

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure
from handler.package import DIST

_INGEST, _RESULTS = 0.7, 1.3
_CPU = "import time; {}; print(time.process_time())"
_INGEST_FUNCTION = "from handler import ingest_function; ingest_function.make_clients('s3', 'ssm', 'events')"
_RESULTS_FUNCTION = "from handler import results_function; results_function.make_clients('ssm')"
_USUAL_STACK = (
    "import json, boto3, psycopg; from aws_lambda_powertools import Logger, Metrics, Tracer; Logger(), Metrics();"
    " [boto3.client(name) for name in ('s3', 'ssm', 'events')]"
)


def figures(*, quick: bool) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as directory:
        ours, as_usual = Path(directory, "ours"), Path(directory, "usual")
        with zipfile.ZipFile(DIST / "handler-host.zip") as package:
            package.extractall(ours)
            package.extractall(as_usual, [name for name in package.namelist() if not name.endswith(".pyc")])
        rounds = [
            (_cpu(ours, _INGEST_FUNCTION), _cpu(ours, _RESULTS_FUNCTION), _cpu(as_usual, _USUAL_STACK))
            for _ in range(3 if quick else 15)
        ]
    ingest, results, usual = (sorted(side)[len(rounds) // 2] for side in zip(*rounds, strict=True))
    print(f"  seconds of CPU: to ingest {ingest:.2f}, to show the results {results:.2f}, the usual stack {usual:.2f}")
    yield Figure(
        what="CPU of the function's imports and clients, against the usual stack", value=ingest / usual, limit=_INGEST
    )
    yield Figure(
        what="CPU of the results function's imports and clients, against the ingest function's",
        value=results / ingest,
        limit=_RESULTS,
    )


def _cpu(directory: Path, statements: str) -> float:
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(directory),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
    }
    answer = subprocess.run(
        [sys.executable, "-c", _CPU.format(statements)], cwd=directory, env=environment, check=True, capture_output=True
    )
    return float(answer.stdout)
