"""Reports that test runners really wrote, against what each runner said of its run itself: see tests/reports."""

import json
from pathlib import Path
from typing import Any

import pytest

from handler.errors import NotXml
from handler.reading.junit import JUnitReport
from handler.recording.results import Run
from tests.handler.helpers.recorder import Recorder

REPORTS = Path(__file__).parents[2] / "reports"
EXPECTED: dict[str, dict[str, Any]] = json.loads((REPORTS / "corpus" / "expected.json").read_text())

# Node writes `]]>` into text as it is, which makes the rest of the report ambiguous.
UNREADABLE = ["corpus/node-control-characters.xml", "corpus/node-end-of-cdata.xml"]
TOTALS = {name: expected["totals"] for name, expected in EXPECTED.items() if name not in UNREADABLE}
REPEATED = [name for name in TOTALS if (REPORTS / name).with_suffix(".again.xml").exists()]


def record(recorder: Recorder, path: Path) -> Run:
    """A report that is recorded."""
    with path.open("rb") as stream:
        return recorder.record_report(JUnitReport(stream, gzipped=False, project="shop"))


@pytest.mark.parametrize("name", TOTALS)
def test_the_totals_are_those_of_the_runner(recorder: Recorder, name: str) -> None:
    """As its own summary has them, whatever stands in the counts of the report."""
    run = record(recorder, REPORTS / name)
    assert run.totals == TOTALS[name]
    assert run.incomplete_suites == 0
    assert recorder.query("select count(*) from test where name = '<suite>'") == [(0,)]


@pytest.mark.parametrize("name", REPEATED)
def test_a_test_is_the_same_one_in_another_directory(recorder: Recorder, name: str) -> None:
    """On another day, in another order: both runs have one set of tests."""
    record(recorder, REPORTS / name)
    tests = recorder.query("select id from test order by id")
    record(recorder, (REPORTS / name).with_suffix(".again.xml"))
    assert recorder.query("select id from test order by id") == tests


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_no_parser_could_read_is_refused(recorder: Recorder, name: str) -> None:
    """As a whole: nobody can tell where its texts end."""
    with pytest.raises(NotXml):
        record(recorder, REPORTS / name)
