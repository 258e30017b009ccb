"""`upload` and `results` as processes beside the platform, which find it as they find that of `up`."""

import gzip
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from handler.addresses import OPEN_ADDRESS
from handler.errors import NotXml
from handler.notifications import ObjectVersion
from handler.origin import Origin
from handler.outcome import Faulty
from handler.recording import uploads
from local.cdktf import PROJECT
from local.emulator import clean_environment
from local.platform import Platform
from local.processes import free_port
from local.running import announcement
from tests.e2e.stacks import SUFFIX
from tests.e2e.uploads import announce_what_is_gone, event_of, row_of, upload

PROJECT_NAME = "commands"
TITLES = ("Latest runs", "Slowest tests of the last 30 days", "Flaky tests of the last 30 days", "Failing tests")


@pytest.fixture
def announced(platform: Platform, tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "platform.json"
    with announcement(file) as announce:
        announce(platform.access)
        yield file


def report(*cases: str) -> str:
    return f'<testsuite name="cart">{"".join(cases)}</testsuite>'


def passed(name: str, seconds: float) -> str:
    return f'<testcase classname="cart" name="{name}" time="{seconds}"/>'


def failed(name: str, message: str) -> str:
    return f'<testcase classname="cart" name="{name}" time="0.5"><failure message="{message}"/></testcase>'


def run_local(
    announced: Path, *arguments: str, input: str = "", environment: Mapping[str, str] = os.environ
) -> tuple[int, list[str], str]:
    """`python -m local`, in the folder of `announced`: its exit code, lines without their layout, and errors."""
    answer = subprocess.run(
        [sys.executable, "-m", "local", *arguments, f"--platform={announced}"],
        cwd=announced.parent,
        env={**environment, "PYTHONPATH": str(PROJECT), "COLUMNS": "140"},
        capture_output=True,
        text=True,
        input=input,
        check=False,
    )
    return answer.returncode, [" ".join(line.split()) for line in answer.stdout.splitlines()], answer.stderr


def test_results_before_the_first_upload(announced: Path) -> None:
    """The function makes the tables only then; and this project has nothing in any case."""
    code, lines, errors = run_local(announced, "results", "--project", PROJECT_NAME)
    assert (code, errors) == (0, "")
    address = f"In your browser: {OPEN_ADDRESS}/project?project={PROJECT_NAME}"
    assert [line for line in lines if line] == [*(f"{title}: none" for title in TITLES), address]


def test_reports_become_results(platform: Platform, announced: Path) -> None:
    """What two uploads of one commit say, each by itself and both together; and the page that is named has it."""
    (announced.parent / "a report.xml").write_text(report(passed("slow", 7), passed("moody", 0.25)))
    origin = ("--project", PROJECT_NAME, "--branch", "main", "--commit", "0123456789abcdef")
    code, lines, errors = run_local(announced, "upload", "a report.xml", *origin)
    assert (code, errors) == (0, "")
    assert f"{PROJECT_NAME}: 2 tests in 7.250 s: 2 passed" in lines
    assert "Failed tests: none" in lines
    assert "7.000 s passed cart > slow" in lines
    page = platform.access.results_function().ask(lines[-1].removeprefix(f"In your browser: {OPEN_ADDRESS}"))
    assert (page.status, "All 2 tests passed" in page.body.decode()) == (200, True)

    second = report(passed("slow", 9), failed("moody", "assert [1] == [2]"))
    (announced.parent / "a report.xml.gz").write_bytes(gzip.compress(second.encode()))
    code, lines, errors = run_local(announced, "upload", "a report.xml.gz", *origin)
    assert (code, errors) == (0, "")
    assert "failed cart > moody assert [1] == [2]" in lines

    code, lines, errors = run_local(announced, "results", "--project", PROJECT_NAME)
    assert (code, errors) == (0, "")
    runs, slowest, flaky, failing = (lines.index(title) for title in TITLES)
    assert [line.split(f" {PROJECT_NAME} ")[-1] for line in lines[runs:slowest] if PROJECT_NAME in line] == [
        "a report.xml main 01234567 1 passed, 1 failed 9.500 s",
        "a report.xml main 01234567 2 passed 7.250 s",
    ]
    assert f"{PROJECT_NAME} cart > slow 8.000 s 9.000 s 2" in lines[slowest:flaky]
    assert any(line.startswith(f"{PROJECT_NAME} cart > moody 1 0 ") for line in lines[flaky:failing])
    assert any(line.startswith(f"{PROJECT_NAME} cart > moody a report.xml main ") for line in lines[failing:])


def test_open_finds_the_function(platform: Platform, tmp_path: Path) -> None:
    """By the name of the environment, with the AWS credentials of the shell."""
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "local", "open", f"--environment={SUFFIX}", f"--port={port}", "--no-browser"],
        cwd=tmp_path,
        env={**clean_environment(), **platform.emulator.environment(), "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            assert process.stdout.readline().startswith(f"The results of {SUFFIX} (account 123456789012, region ")
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
                assert "<h1>Projects</h1>" in page.read().decode()
                assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=10) == 130
        finally:
            process.kill()


def test_report_that_cannot_be_read(announced: Path) -> None:
    """Its fault is shown, and the exit code is 1: a script can tell."""
    (announced.parent / "broken.xml").write_text("no report")
    code, lines, errors = run_local(announced, "upload", "broken.xml", "--project", PROJECT_NAME)
    assert (code, errors) == (1, "")
    assert lines[-3].startswith("The report cannot be read (not_xml): ")
    assert lines[-1].startswith(f"In your browser: {OPEN_ADDRESS}/uploads/")


def test_artifact(announced: Path) -> None:
    (announced.parent / "screenshot.png").write_bytes(b"\x89PNG")
    code, lines, errors = run_local(announced, "upload", "screenshot.png", "--project", PROJECT_NAME)
    assert (code, errors) == (0, "")
    assert lines[-3] == "Recorded as an artifact: only .xml and .xml.gz are read as reports."
    assert lines[-1].startswith(f"In your browser: {OPEN_ADDRESS}/uploads/")


def test_build_is_recorded(platform: Platform, announced: Path) -> None:
    """All that `upload` was told arrives in the database, with a project that is more than one folder."""
    (announced.parent / "build.xml").write_text(report())
    options = {"project": "team/commands", "branch": "feature/x=1,y", "commit": "c0ffee", "build-url": "https://x/?a=1"}
    code, _, errors = run_local(announced, "upload", "build.xml", *(f"--{name}={options[name]}" for name in options))
    assert (code, errors) == (0, "")
    with platform.access.connect() as connection:
        row = connection.execute(
            "select project, branch, commit, build_url from upload where key = 'team/commands/build.xml'"
        ).fetchone()
    assert row == tuple(options.values())


class TestForget:
    """`forget` removes uploads from the database and from S3."""

    def objects(self, platform: Platform, prefix: str) -> list[str]:
        bucket = platform.access.outputs["bucket_name"]
        found = platform.emulator.client("s3").list_object_versions(Bucket=bucket, Prefix=prefix)
        return [version["Key"] for name in ("Versions", "DeleteMarkers") for version in found.get(name, [])]

    def test_a_project_is_forgotten(self, platform: Platform, announced: Path) -> None:
        """With all versions of its objects, and no other project."""
        (announced.parent / "a.xml").write_text(report(failed("a", "b")))
        for project in ("secret", "secret", "other"):
            run_local(announced, "upload", "a.xml", "--project", project)
        assert len(self.objects(platform, "secret/")) == 2
        code, lines, errors = run_local(announced, "forget", "--project", "secret", "--yes")
        assert (code, errors) == (0, "")
        assert lines == ["0 left", "Forgotten: 2 uploads of the project secret."]
        assert self.objects(platform, "secret/") == []
        assert self.objects(platform, "other/") == ["other/a.xml"]
        with platform.access.connect() as connection:
            known = connection.execute("select distinct project from test where project in ('secret', 'other')")
            assert known.fetchall() == [("other",)]
        code, lines, _ = run_local(announced, "forget", "--project", "secret", "--yes")
        assert (code, lines) == (0, ["Nothing is recorded of the project secret."])

    def test_an_upload_is_forgotten_once_its_id_is_repeated(self, platform: Platform, announced: Path) -> None:
        """Nothing happens by mistake."""
        (announced.parent / "b.xml").write_text(report(passed("a", 1)))
        run_local(announced, "upload", "b.xml", "--project", "single")
        with platform.access.connect() as connection:
            [(event_id,)] = connection.execute("select event_id::text from upload where project = 'single'")
        code, lines, _ = run_local(announced, "forget", "--upload", event_id, input="no\n")
        assert (code, lines[-1]) == (0, f"Write {event_id} to go on: Nothing was removed.")
        code, lines, _ = run_local(announced, "forget", "--upload", event_id, input=f"{event_id}\n")
        assert (code, lines[-1]) == (0, f"Forgotten: {event_id}.")
        assert self.objects(platform, "single/") == []

    def test_a_key_that_no_list_of_keys_can_hold_is_deleted_alone(self, platform: Platform, announced: Path) -> None:
        """XML has no way to write some characters, and S3 would refuse the whole list."""
        upload(platform, "odd/a\x01b.xml", report(passed("a", 1)).encode())
        event_of(platform, "odd/a\x01b.xml")
        code, lines, errors = run_local(announced, "forget", "--project", "odd", "--yes")
        assert (code, errors, lines[-1]) == (0, "", "Forgotten: 1 upload of the project odd.")
        assert self.objects(platform, "odd/") == []

    def test_what_the_function_refuses_is_said(self, announced: Path) -> None:
        """In one sentence."""
        code, _, errors = run_local(announced, "forget", "--upload", "shop")
        assert (code, errors) == (1, "TAP: tap-schema-staging fails: badly formed hexadecimal UUID string\n")


class TestReingest:
    """`reingest` has reports read again."""

    def misread(self, platform: Platform, key: str) -> str:
        """Lets the record of a report be what an older reader may have made of it; the id of its upload."""
        with platform.access.connect() as connection, connection.transaction():
            [(bucket, version_id)] = connection.execute("select bucket, version_id from upload where key = %s", [key])
            upload = uploads.hold(connection, ObjectVersion(bucket=bucket, key=key, version_id=version_id))
            assert upload
            uploads.record_anew(connection, upload, Origin.of(key, {}), Faulty(NotXml("Of an older reader.")))
        return str(upload.event_id)

    def test_the_reports_of_a_project_are_read_again(self, platform: Platform, announced: Path) -> None:
        """As if they had been read right at once; an event says so."""
        (announced.parent / "r.xml").write_text(report(passed("a", 1)))
        run_local(announced, "upload", "r.xml", "--project", "again")
        first = event_of(platform, "again/r.xml")
        self.misread(platform, "again/r.xml")
        code, lines, errors = run_local(announced, "reingest", "--project", "again", "--yes")
        assert (code, errors) == (0, "")
        function = platform.access.outputs["lambda_function_name"]
        said = f"Asked for: 1 report of the project again. {function} reads them in the order of its queue."
        assert lines == ["0 left", said]
        event = event_of(platform, "again/r.xml")
        assert (event["status"], event["replaces"]) == ("success", first["event_id"])
        assert event["run"] == first["run"]
        row = row_of(platform, "again/r.xml")
        assert row
        assert (row["status"], row["error_code"]) == ("success", None)

    def test_one_is_read_again_in_aws_once_its_id_is_repeated(self, platform: Platform, announced: Path) -> None:
        """By the operator's credentials alone, which find the queue."""
        (announced.parent / "s.xml").write_text(report(passed("a", 1)))
        run_local(announced, "upload", "s.xml", "--project", "once-more")
        event_of(platform, "once-more/s.xml")
        event_id = self.misread(platform, "once-more/s.xml")
        arguments = ("reingest", "--upload", event_id, f"--environment={SUFFIX}")
        environment = {**clean_environment(), **platform.emulator.environment()}
        code, lines, _ = run_local(announced, *arguments, input=f"{event_id}\n", environment=environment)
        assert (code, lines[-1]) == (0, f"Write {SUFFIX}/{event_id} to go on: Nothing was asked for.")
        code, lines, errors = run_local(announced, *arguments, input=f"{SUFFIX}/{event_id}\n", environment=environment)
        assert (code, errors) == (0, "")
        assert event_of(platform, "once-more/s.xml")["replaces"] == event_id

    def test_a_project_without_reports_has_none(self, announced: Path) -> None:
        code, lines, _ = run_local(announced, "reingest", "--project", "nothing", "--yes")
        assert (code, lines) == (0, ["No report is recorded of the project nothing."])


class TestRedrive:
    """`redrive` finds the queues of the platform; `tests/local/test_redrive.py` has all that it does."""

    def test_upload_is_processed_after_all(self, platform: Platform, announced: Path) -> None:
        announce_what_is_gone(platform, "redriven/gone.xml", queue="ingest_dead_letter_queue_url")
        code, lines, errors = run_local(announced, "redrive", "ingest", input="ingest\n")
        assert (code, errors) == (0, "")
        assert lines[0].startswith(f"tap-dlq-ingest-{SUFFIX} holds 1 message, the oldest of ")
        assert lines[4].endswith(" redriven/gone.xml")
        assert lines[-1] == "Redriven: 1 message."
        assert event_of(platform, "redriven/gone.xml")["error"]["code"] == "not_found"

    @pytest.mark.parametrize(("queue", "name"), [("events", "dlq-events"), ("undelivered", "undelivered-events")])
    def test_nothing_is_there(self, announced: Path, queue: str, name: str) -> None:
        code, lines, errors = run_local(announced, "redrive", queue)
        assert (code, lines, errors) == (0, [f"tap-{name}-{SUFFIX} is empty."], "")


def test_announcement_holds_no_secret(platform: Platform, announced: Path) -> None:
    assert platform.access.password() not in announced.read_text()
