"""How soon a browser paints a run's page, by the way of `make local`: its server, and the URL of the function."""

from __future__ import annotations

import statistics
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from botocore.credentials import Credentials
from playwright.sync_api import Page

from benchmarks.figures import Figure
from handler.package import package_path
from handler.recording import reader
from local import processes
from local.access import CA_FILE, THIS_MACHINE
from local.emulator import ADMINISTRATOR, REGION, Emulator
from local.pages import Pages
from local.signing import ResultsFunction, Viewer
from tests.browser.helpers.chromium import launched
from tests.browser.helpers.datasets import DATASETS
from tests.browser.helpers.history import History
from tests.browser.helpers.site import READER_PASSWORD, put_parameters, variables
from tests.postgres import migrate

_LIMIT = 300  # milliseconds

# Histories, and the project of each whose run with most failures is shown.
_RUNS = {"plausible": "shop-api", "large": "monorepo"}
_RUN = "select id, tests from run_summary where project = %s order by failed + error desc, uploaded_at desc limit 1"

_PAINTED = """() => new Promise(resolve =>
    new PerformanceObserver(seen => {
      for (const {startTime} of seen.getEntriesByName("first-contentful-paint")) resolve(startTime);
    }).observe({type: "paint", buffered: true}))"""


def figures(*, quick: bool) -> Iterator[Figure]:
    with (
        # Not below a folder that only its owner may enter: under root, the database runs as another user.
        tempfile.TemporaryDirectory() as directory,
        Emulator(log=Path(directory, "emulator.log"), directory=Path(directory)) as emulator,
        _database(emulator, Path(directory)) as connection,
        _pages(emulator) as pages,
        launched() as browser,
    ):
        page = browser.new_page()
        for data in ["plausible"] if quick else _RUNS:
            history = History(connection)
            DATASETS[data](history, datetime.now(UTC))
            history.finish()
            [(run, tests)] = connection.execute(_RUN, [_RUNS[data]]).fetchall()
            milliseconds = [_first_paint(page, f"{pages.address}/runs/{run}") for _ in range(5 if quick else 21)]
            # Warm: the first one has started the function.
            yield Figure(
                what=f"first paint of the page of a run with {tests:,} tests",
                value=statistics.median(milliseconds[1:]),
                unit="ms",
                limit=_LIMIT,
            )


def _first_paint(page: Page, address: str) -> float:
    page.goto("about:blank")
    page.goto(address)
    milliseconds: float = page.evaluate(_PAINTED)
    return milliseconds


@contextmanager
def _database(emulator: Emulator, directory: Path) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """One of the emulated RDS, with the schema and the reader's login, of which Parameter Store tells."""
    instance = emulator.client("rds").create_db_instance(
        DBInstanceIdentifier="tap",
        Engine="postgres",
        EngineVersion="18",
        DBInstanceClass="db.t4g.micro",
        MasterUsername="tap",
        MasterUserPassword="tap-password",
        DBName="tap",
        Port=processes.free_port(),
    )["DBInstance"]
    host, port = instance["Endpoint"]["Address"], instance["Endpoint"]["Port"]
    put_parameters(emulator, endpoint=f"{host}:{port}")
    with psycopg.connect(
        host=host,
        hostaddr=THIS_MACHINE,
        port=port,
        user="tap",
        password="tap-password",  # noqa: S106 - of a server that lives for minutes
        dbname="tap",
        sslmode="verify-full",
        sslrootcert=str(directory / CA_FILE),
        autocommit=True,
    ) as connection:
        migrate(connection)
        reader.set_up(connection, READER_PASSWORD)
        yield connection


@contextmanager
def _pages(emulator: Emulator) -> Iterator[Pages]:
    """The server of `make local` and `make open`, before the URL of the function as it is deployed."""
    with Pages(0) as pages:
        pages.function = _deployed(emulator, pages.address)
        thread = threading.Thread(target=pages.serve_forever)
        thread.start()
        try:
            yield pages
        finally:
            pages.shutdown()
            thread.join()


def _deployed(emulator: Emulator, address: str) -> ResultsFunction:
    s3, functions = emulator.client("s3"), emulator.client("lambda")
    s3.create_bucket(Bucket="code")
    s3.put_object(Bucket="code", Key="package.zip", Body=package_path("host").read_bytes())
    role = emulator.client("iam").create_role(RoleName="results", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    functions.create_function(
        FunctionName="results",
        Runtime="python3.13",
        Role=role,
        Handler="handler.results_function.lambda_handler",
        Code={"S3Bucket": "code", "S3Key": "package.zip"},
        Timeout=15,
        Environment={"Variables": variables(emulator, address=address)},
    )
    url = functions.create_function_url_config(FunctionName="results", AuthType="AWS_IAM")["FunctionUrl"]
    credentials = Credentials(ADMINISTRATOR, ADMINISTRATOR)
    return ResultsFunction(
        name="results",
        url=url,
        region=REGION,
        place="this machine",
        viewer=Viewer(lambda: credentials),
        address=emulator.url,
    )
