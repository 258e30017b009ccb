"""Asks the results function for every page of a large history, as a function URL asks it."""

from __future__ import annotations

import base64
import gc
import itertools
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, LiteralString, NamedTuple
from urllib.parse import urlsplit

from benchmarks.figures import Figure, percentile
from benchmarks.generated_history import GeneratedReport, Run, not_passed
from handler import results_function
from handler.errors import NotXml
from handler.notifications import Upload
from handler.origin import Origin
from handler.outcome import Faulty
from handler.reading.report import Attempt, Status
from handler.recording import reader, uploads
from handler.showing.pages import PAGES
from local.emulator import Emulator
from tests.browser.helpers.site import READER_PASSWORD, environment, put_parameters
from tests.handler.helpers.recorder import Recorder
from tests.handler.helpers.results import ADDRESS, request
from tests.handler.helpers.surroundings import LambdaContext

# Milliseconds until it is answered, and kB of HTML as it is sent.
_ANSWER, _SIZE = 150, 100

_REFUSED = Upload(
    bucket="uploads", key="shop/report.xml", version_id="refused", etag="e", size=1, uploaded_at=datetime.now(UTC)
)

# What the addresses below name.
_NAMES: dict[str, LiteralString] = {
    "run": "select id from run_summary where project = 'shop' and branch = 'main' order by uploaded_at desc limit 1",
    "branch": "select branch from run_summary where project = 'shop' and branch <> 'main'"
    " order by uploaded_at desc limit 1",
    "run_of_branch": "select id from run_summary where project = 'shop' and branch <> 'main'"
    " order by uploaded_at desc limit 1",
    "earlier": "select id from run_summary where project = 'shop' order by uploaded_at limit 1 offset 50",
    "commit": "select commit from run_summary where project = 'shop' order by uploaded_at desc limit 1",
    "failing": "select test_id from failing_tests where project = 'shop' order by failing_since limit 1",
    "flaky": "select test_id from flaky_tests where project = 'shop' order by commits + reruns desc limit 1",
    "passing": "select id from test where project = 'shop' and name like 'test_case_1001[%'",
}

# The most that people ask of each page.
_ADDRESSES = {
    "projects": "/",
    "project": "/project?project=shop",
    "project, a branch": "/project?project=shop&branch={branch}",
    "runs": "/runs",
    "runs of a project": "/runs?project=shop&before={earlier}",
    "runs, all filters": "/runs?project=shop&branch=main&series=report.xml&outcome=failed&since=2020-01-01",
    "runs, none found": "/runs?project=shop&outcome=failed&commit=0000000000",
    "build": "/builds?project=shop&commit={commit}&build_url=https://ci.example/7",
    "run": "/runs/{run}",
    "run of a branch": "/runs/{run_of_branch}",
    "run, last tests by name": "/runs/{run}?sort=name&skip={skip}",
    "run, search": "/runs/{run}?q=case_1&status=passed",
    "run, none found": "/runs/{run}?q=nothing+like+it",
    "run as Markdown": "/api/runs/{run}.md",
    "result": "/runs/{run}/tests/{failing}",
    "test that fails": "/tests/{failing}",
    "test that is flaky": "/tests/{flaky}",
    "test that passes": "/tests/{passing}",
    "grid": "/grid?project=shop&branch=main",
    "grid, search": "/grid?project=shop&branch=main&show=all&q=case_1",
    "uploads": "/uploads",
    "refused uploads of a project": "/uploads?project=shop&status=error",
    "upload that was refused": f"/uploads/{_REFUSED.event_id}",
    "failing, all projects": "/failing",
    "failing, one project": "/failing?project=shop",
    "flaky, all projects": "/flaky",
    "flaky, one project": "/flaky?project=shop",
    "slowest, all projects": "/slowest",
    "slowest, one project": "/slowest?project=shop",
    "search, all projects": "/search?q=case_1",
    "search, one project": "/search?project=shop&q=case_1",
    "search, none found": "/search?q=nothing+like+it",
    "quarantine": "/api/quarantine?project=shop",
    "badge": "/badge.svg?project=shop&branch=main",
    "description of the API": "/api/openapi.json",
    "upload by its version": "/upload?bucket=uploads&key=shop/report.xml&version_id=refused",
}
_FOR_MACHINES = ("/api/", "/badge.svg")

# Once there is such a run.
_ALL_FAILED = {
    "run of which all failed": "/runs/{broken}",
    "run of which all failed, as Markdown": "/api/runs/{broken}.md",
    "project, a branch on which all fail": "/project?project=shop&branch=broken",
    "grid of a branch on which all fail": "/grid?project=shop&branch=broken",
}


class _AllFailed(GeneratedReport):
    """The report of a run in which nothing worked."""

    def read(self) -> Iterator[Attempt]:
        for number, test in enumerate(super().read()):
            yield not_passed(test._replace(status=Status.failed), number, 0)


class _Asked(NamedTuple):
    """What came of asking for a page again and again. `p50`, `p95` in milliseconds; `kilobytes` as it is sent."""

    name: str
    is_html: bool
    kilobytes: float
    p50: float
    p95: float


def _require_all() -> None:
    """Whoever adds a page names it here, too."""
    paths = [urlsplit(address).path for _, address in _addresses(_ADDRESSES, defaultdict(str))]
    for page in PAGES:
        if not any(re.fullmatch(re.sub("<[^>]+>", "[^/]*", page.path), path) for path in paths):
            raise AssertionError(f"{page.path} is not measured: add an address of it to benchmarks/pages.py")


def figures(recorder: Recorder, size_name: str, *, tests: int, quick: bool) -> Iterator[Figure]:
    """Of a history that is there; it gets an upload that is refused, and a run of which all tests fail."""
    _require_all()
    connection = recorder.connection
    reader.set_up(connection, READER_PASSWORD)
    uploads.record(connection, _REFUSED, Origin(project="shop", series="report.xml"), Faulty(NotXml("It is no XML.")))
    with (
        tempfile.TemporaryDirectory() as directory,
        Emulator(log=Path(directory, "emulator")) as emulator,
        environment(emulator, ca_file=connection.info.get_parameters()["sslrootcert"], address=ADDRESS),
    ):
        put_parameters(emulator, endpoint=f"{connection.info.host}:{connection.info.port}")
        rounds = 5 if quick else 40
        largest = ("", 0.0)
        for page in itertools.chain(
            _asked(_usual(recorder, tests), rounds), _asked(_all_failed(recorder, tests), rounds)
        ):
            yield Figure(
                what=f"{page.name}, {size_name}, p95",
                value=page.p95,
                unit=f"ms (p50 {page.p50:.3g} ms, {page.kilobytes:.3g} kB)",
                limit=_ANSWER,
            )
            if page.is_html and page.kilobytes > largest[1]:
                largest = (page.name, page.kilobytes)
    yield Figure(what=f"largest page, gzipped: {largest[0]}", value=largest[1], unit="kB", limit=_SIZE)


def _usual(recorder: Recorder, tests: int) -> Iterator[tuple[str, str]]:
    names = {name: recorder.query(query)[0][0] for name, query in _NAMES.items()}
    # What was loaded is no garbage, and Python shall not look for some in it while it is timed.
    gc.collect()
    gc.freeze()
    return _addresses(_ADDRESSES, {**names, "skip": tests - 100})


def _all_failed(recorder: Recorder, tests: int) -> Iterator[tuple[str, str]]:
    run = Run("shop", 0, "broken", "commit of broken", days_ago=0)
    broken = recorder.record_report(
        _AllFailed(run, tests=tests), project=run.project, branch=run.branch, commit=run.commit
    )
    yield from _addresses(_ALL_FAILED, {"broken": broken.id})


def _addresses(templates: Mapping[str, str], names: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What they are, and where: pages, each as JSON as well."""
    for name, template in templates.items():
        address = template.format_map(names)
        yield name, address
        if not address.startswith(_FOR_MACHINES):
            yield f"{name}, as JSON", f"/api{address}".removesuffix("/")


def _asked(addresses: Iterable[tuple[str, str]], rounds: int) -> Iterator[_Asked]:
    for name, address in addresses:
        url = urlsplit(address)
        milliseconds = []
        for _ in range(rounds + 1):
            begun = time.perf_counter()
            answer = results_function.lambda_handler(request(url.path, url.query), LambdaContext())
            milliseconds.append((time.perf_counter() - begun) * 1000)
        if answer["statusCode"] != HTTPStatus.OK:
            raise AssertionError(f"{address}: {answer}")
        yield _Asked(
            name=name,
            is_html=answer["headers"]["Content-Type"].startswith("text/html"),
            kilobytes=len(base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"]) / 1000,
            # Warm: the first one has connected, and read what it needs.
            p50=percentile(milliseconds[1:], 50),
            p95=percentile(milliseconds[1:], 95),
        )
