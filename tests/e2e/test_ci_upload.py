"""ci/upload.sh at the deployed platform, with the real AWS CLI and curl."""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from local.cdktf import PROJECT
from local.platform import Platform
from tests.e2e.ci_job import BROKEN, CREDENTIALS, FAILING, PASSING, SCRIPT, Job

# Those of them that are here.
SHELLS = [shell for shell in ("sh", "dash", "bash", "busybox") if shutil.which(shell)]
HOSTILE = """feature/a,b="c"\\'d'$(touch run)`touch run`\N{LATIN SMALL LETTER U WITH DIAERESIS}%s\n::error::x"""
HOSTILE_SHOWN = """feature/a,b="c"\\'d'$(touch run)`touch run`__%s_::error::x"""


def outputs(job: Job, name: str = "outputs") -> dict[str, str]:
    lines = (job.directory / name).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize("shell", SHELLS)
def test_job_learns_what_its_reports_say(job: Job, shell: str) -> None:
    """Of a pattern, of files with blanks in their names and of one name; and hostile metadata stay text."""
    job.write("a b/$(touch run)/report.xml", FAILING)
    job.write("c/report.xml", PASSING)
    origin = ("--branch", HOSTILE, "--commit", "9d2c41ab", "--build-url", "https://ci.example/b?n=1&m=2")
    command = [shell, "sh"] if shell == "busybox" else [shell]
    files = ("--summary", "summary.md", "--outputs", "outputs")
    done = job.run([*command, SCRIPT, "--job", "unit", *origin, *files, "**/report.xml"])
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in job.directory.iterdir()) == ["a b", "c", "outputs", "summary.md"]
    prefix = f"shop/{job.environment['TAP_BUILD']}/unit"
    metadata = {
        "tap-project": "shop",
        "tap-branch": HOSTILE_SHOWN,
        "tap-commit": "9d2c41ab",
        "tap-build-url": "https://ci.example/b?n=1&m=2",
    }
    assert job.uploads() == {
        f"{prefix}/a b/$(touch run)/report.xml": {**metadata, "tap-job": "unit/a b/$(touch run)/report.xml"},
        f"{prefix}/c/report.xml": {**metadata, "tap-job": "unit/c/report.xml"},
    }
    query = "build_url=https%3A%2F%2Fci.example%2Fb%3Fn%3D1%26m%3D2&commit=9d2c41ab&project=shop"
    page = f"{job.platform.settings['results_address']}/builds?{query}"
    assert outputs(job) == {
        "uploaded": "2",
        "recorded": "2",
        "refused": "0",
        "tests": "3",
        "passed": "2",
        "failed": "1",
        "error": "0",
        "skipped": "0",
        "flaky": "0",
        "page": page,
    }
    [first, second, totals, last] = done.stdout.splitlines()
    versions = {
        version["Key"]: version["VersionId"]
        for version in job.platform.emulator.client("s3").list_object_versions(Bucket=job.bucket, Prefix=prefix)[
            "Versions"
        ]
    }
    for line, path in ((first, "a b/$(touch run)/report.xml"), (second, "c/report.xml")):
        key = f"{prefix}/{path}"
        assert line == f"TAP: Uploaded {path} as s3://{job.bucket}/{key}, version {versions[key]}"
    assert totals == "TAP: 3 tests: 2 passed, 1 failed, 0 error, 0 skipped, 0 flaky"
    assert last == f"TAP: {page}"
    summary = (job.directory / "summary.md").read_text()
    assert summary.startswith(
        "## ❌ 3 tests: 2 passed, 1 failed, 0 error, 0 skipped, 0 flaky\n\n2 reports, of which 2 "
    )
    assert f"[See them]({page})" in summary
    assert "\n### ❌ 1 of 2 tests failed" in summary
    assert "  ``expected `12`, was 13``\n" in summary
    assert re.search(r"\n- ✅ ` c/report\.xml `: \[1 passed\]\(http\S+/runs/[0-9a-f-]{36}\)\n$", summary)


def test_one_report_is_the_jobs(job: Job) -> None:
    """Its name is that of the job, and its page that of the run."""
    job.write("report.xml", PASSING)
    done = job.upload("--job", "unit", "--summary", "summary.md", "--outputs", "outputs", "report.xml")
    assert (done.returncode, done.stderr) == (0, "")
    assert [each["tap-job"] for each in job.uploads().values()] == ["unit"]
    assert re.search(r"/runs/[0-9a-f-]{36}$", outputs(job)["page"])
    assert (job.directory / "summary.md").read_text().startswith("### ✅ 1 test passed\n")


def test_refused_report_does_not_fail_the_job(job: Job) -> None:
    """It is told why, in one line, and what to do; the other report counts."""
    job.write("bad.xml", BROKEN)
    job.write("good.xml", PASSING)
    done = job.upload("--summary", "summary.md", "--outputs", "outputs", "*.xml", GITHUB_ACTIONS="true")
    assert done.returncode == 0
    [warning] = done.stderr.splitlines()
    assert warning.startswith("::warning title=TAP::TAP refused bad.xml: The report is not well-formed XML: ")
    told = outputs(job)
    assert (told["recorded"], told["refused"], told["tests"]) == ("2", "1", "1")
    summary = (job.directory / "summary.md").read_text()
    assert "\n### ❌ Report refused\n\n` bad.xml `: ` The report is not well-formed XML: " in summary
    assert "\n- Upload after the runner has ended. " in summary


def test_strict_fails_for_a_refused_report(job: Job) -> None:
    """And tells it all the same."""
    job.write("bad.xml", BROKEN)
    done = job.upload("--strict", "--summary", "summary.md", "bad.xml")
    assert done.returncode == 1
    assert (job.directory / "summary.md").read_text().startswith("### ❌ Report refused\n")


DOWN: Mapping[str, tuple[Mapping[str, str], str]] = {
    "no such bucket": ({"TAP_BUCKET": "tap-uploads-nowhere"}, "The specified bucket does not exist"),
    "no S3": ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "Could not connect to the endpoint URL"),
    "no credentials": (dict.fromkeys(CREDENTIALS, ""), "Unable to locate credentials"),
    "no token": ({"TAP_ROLE": "arn:aws:iam::123456789012:role/uploader"}, "The job has no token for the role"),
    "no AWS CLI": ({"PATH": "/nowhere"}, "the AWS CLI is not there"),
}


@pytest.mark.parametrize("case", DOWN)
@pytest.mark.parametrize("strict", ["false", "true"])
def test_without_tap_the_job_goes_on_unless_it_is_strict(job: Job, tmp_path: Path, case: str, strict: str) -> None:
    """With a warning in one line, and without waiting for what was not uploaded."""
    variables, reason = DOWN[case]
    if case == "no AWS CLI":
        # Only what POSIX has.
        tools = ("sh", "awk", "cat", "cut", "date", "head", "mktemp", "od", "rm", "sed", "tail", "tr")
        for tool in tools:
            (tmp_path / tool).symlink_to(str(shutil.which(tool)))
        variables = {"PATH": str(tmp_path)}
    job.write("report.xml", PASSING)
    done = job.upload("--summary", "summary.md", "report.xml", TAP_STRICT=strict, **variables)
    assert done.returncode == (1 if strict == "true" else 0)
    [warning] = done.stderr.splitlines()
    assert warning.startswith("TAP: warning: ")
    assert reason in warning
    assert not (job.directory / "summary.md").exists()


def test_what_fails_again_and_again_is_given_up(job: Job) -> None:
    """A job with a hundred reports does not wait a hundred times for an S3 that is not there."""
    for report in range(5):
        job.write(f"{report}.xml", PASSING)
    done = job.upload("*.xml", AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert done.returncode == 0
    assert [line.split(":")[2] for line in done.stderr.splitlines()] == [
        *[" Not uploaded"] * 3,
        " Three uploads in a row failed",
    ]


def test_name_of_two_lines_is_not_uploaded(job: Job) -> None:
    """And its second line is no command to GitHub."""
    job.write("a\n::error::b.xml", PASSING)
    done = job.upload("*.xml", GITHUB_ACTIONS="true")
    assert (done.returncode, done.stdout) == (0, "")
    assert [line.split("::")[1] for line in done.stderr.splitlines()] == ["warning title=TAP"] * 2
    assert job.uploads() == {}


def test_name_with_a_carriage_return_stays_in_its_line(job: Job) -> None:
    """Some systems begin a line there."""
    job.write("a\r::error::b.xml", PASSING)
    done = job.upload("*.xml", without=["TAP_RESULTS_URL"])
    assert (done.returncode, done.stderr) == (0, "")
    [line] = done.stdout.splitlines()
    assert line.startswith("TAP: Uploaded a ::error::b.xml as s3://")


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"TAP_RESULTS_URL": "http://127.0.0.1:1"}, "TAP tells no results: status 000. "),
        ({"AWS_SECRET_ACCESS_KEY": "guessed", "AWS_SESSION_TOKEN": ""}, "TAP tells no results: status 403. "),
    ],
)
def test_without_results_the_job_goes_on(job: Job, variables: Mapping[str, str], reason: str) -> None:
    """Its report is uploaded."""
    job.write("report.xml", PASSING)
    done = job.upload("--summary", "summary.md", "--outputs", "outputs", "report.xml", **variables)
    assert done.returncode == 0
    [warning] = done.stderr.splitlines()
    assert reason in warning
    assert outputs(job) == {"uploaded": "1"}
    assert (job.directory / "summary.md").read_text().startswith("### ⏳ No results yet\n\n` report.xml ` ")


def test_without_a_results_url_nothing_is_waited_for(job: Job) -> None:
    job.write("report.xml", PASSING)
    done = job.upload("--outputs", "outputs", "report.xml", without=["TAP_RESULTS_URL"])
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1
    assert outputs(job) == {"uploaded": "1"}


@pytest.fixture
def elsewhere(platform: Platform) -> Iterator[str]:
    """A bucket of which TAP hears nothing."""
    s3, name = platform.emulator.client("s3"), f"elsewhere-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name)
    yield name
    for found in s3.list_objects_v2(Bucket=name).get("Contents", []):
        s3.delete_object(Bucket=name, Key=found["Key"])
    s3.delete_bucket(Bucket=name)


def test_patience_ends(job: Job, elsewhere: str) -> None:
    """The job has waited for no longer than it was to."""
    job.write("report.xml", PASSING)
    done = job.upload("--wait", "2", "--outputs", "outputs", "report.xml", TAP_BUCKET=elsewhere)
    assert done.returncode == 0
    assert done.stderr == (
        "TAP: warning: TAP recorded 0 of 1 uploads within 2 seconds. The others will be: nothing is lost.\n"
    )
    assert outputs(job) == {"uploaded": "1"}


def test_role_is_assumed_by_the_token_of_the_job(job: Job) -> None:
    """Without any other credentials; the token is left nowhere."""
    job.write("report.xml", PASSING)
    done = job.upload(
        *("--role", job.role_arn, "--outputs", "outputs", "report.xml"),
        without=CREDENTIALS,
        TAP_TOKEN="eyJhbGciOiJub25lIn0.eyJzdWIiOiJqb2IifQ.",
        TMPDIR=str(job.directory),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert outputs(job)["tests"] == "1"
    assert sorted(path.name for path in job.directory.iterdir()) == ["outputs", "report.xml"]


def test_nobody_sees_secrets_among_the_processes(job: Job, tmp_path: Path) -> None:
    """Arguments are open to all users of a machine."""
    for tool in ("aws", "curl", "sed", "tr", "awk", "od", "cut", "tail", "cat"):
        real = shutil.which(tool, path=job.environment["PATH"])
        (tmp_path / tool).write_text(f'#!/bin/sh\nprintf "%s\\n" "$0 $*" >> "$SEEN"\nexec "{real}" "$@"\n')
        (tmp_path / tool).chmod(0o755)
    job.write("report.xml", PASSING)
    seen = tmp_path / "seen"
    done = job.upload(
        "--outputs", "outputs", "report.xml", PATH=f"{tmp_path}:{job.environment['PATH']}", SEEN=str(seen)
    )
    assert (done.returncode, outputs(job)["tests"]) == (0, "1")
    arguments = seen.read_text()
    assert "/curl --config - " in arguments
    for name in CREDENTIALS:
        assert job.environment[name] not in arguments


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["report.xml", "*.xml"], ["a b.xml", "report.xml"]),
        (["**/*.xml"], ["a b.xml", "deep/er/report.xml", "deep/report.xml", "report.xml"]),
        (["dee*/**/report.xml"], ["deep/er/report.xml", "deep/report.xml"]),
        (["./deep/report.xml"], ["deep/report.xml"]),
        (["a b*"], ["a b.xml"]),
        (["[1]*.xml"], ["1.xml"]),
        (["[x].xml"], ["[x].xml"]),
        ([".hidden/*.xml"], [".hidden/report.xml"]),
        (["$(pwd)/report.xml", "nothing/*.xml"], []),
    ],
)
def test_patterns_find_files(job: Job, patterns: list[str], found: list[str]) -> None:
    """Each once, under its own path; a name that looks like a pattern, too. What finds nothing is said."""
    names = ["report.xml", "a b.xml", "deep/report.xml", "deep/er/report.xml", ".hidden/report.xml"]
    for name in [*names, "node_modules/x/report.xml"]:
        job.write(name, PASSING)
    for name in ("1.xml", "[x].xml"):
        if name in found:
            job.write(name, PASSING)
    done = job.upload(without=["TAP_RESULTS_URL"], TAP_REPORTS="\r\n".join(f"  {each}" for each in patterns))
    prefix = f"shop/{job.environment['TAP_BUILD']}/"
    assert sorted(key.removeprefix(prefix) for key in job.uploads()) == found
    assert len(done.stdout.splitlines()) == len(found)
    assert done.stderr.count("There is no file") == (0 if found else len(patterns))


def test_files_elsewhere_have_keys_below_the_build(job: Job, tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(PASSING)
    job.write("report.xml", PASSING)
    done = job.upload(
        "../report.xml", str(tmp_path / "report.xml"), f"{job.directory}/report.xml", "--", without=["TAP_RESULTS_URL"]
    )
    prefix = f"shop/{job.environment['TAP_BUILD']}"
    outside = str(tmp_path).removeprefix("/")
    assert sorted(job.uploads()) == sorted(
        [f"{prefix}/__/report.xml", f"{prefix}/{outside}/report.xml", f"{prefix}/report.xml"]
    ), done.stderr


@pytest.mark.parametrize(("page", "is_script"), [("README.md", True), ("docs/ingesting.md", False)])
def test_documented_commands_upload_and_end_as_the_tests_did(
    job: Job, tmp_path: Path, page: str, *, is_script: bool
) -> None:
    """Here, by a failure."""
    [commands] = re.findall(r"```sh\n(status=0\n.*?)```", (PROJECT / page).read_text(), re.DOTALL)
    runner = tmp_path / "bin" / "pytest"
    runner.parent.mkdir()
    runner.write_text(f"#!/bin/sh\ncat > report.xml <<'END'\n{FAILING}\nEND\nexit 3\n")
    runner.chmod(0o755)
    shutil.copy(SCRIPT, job.directory)
    build = job.environment["TAP_BUILD"]
    done = job.run(
        ["sh", "-eu", "-c", commands],
        PATH=f"{runner.parent}:{job.environment['PATH']}",
        BUILD=build,
        BRANCH='fix,"it"',
        COMMIT="9d2c41ab",
        BUILD_URL="https://ci.example/417",
    )
    assert (done.returncode, done.stderr) == (3, "")
    known = {"tap-branch": "fix__it_", "tap-commit": "9d2c41ab", "tap-build-url": "https://ci.example/417"}
    assert job.uploads() == {f"shop/{build}/report.xml": {"tap-project": "shop", **({} if is_script else known)}}


CI: Mapping[str, tuple[Mapping[str, str], Mapping[str, str]]] = {
    "GitHub": (
        {
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "example/shop",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_RUN_ID": "417",
            "GITHUB_REF_NAME": "12/merge",
            "GITHUB_HEAD_REF": "fix",
            "GITHUB_SHA": "9d2c41ab",
        },
        {"tap-build-url": "https://github.com/example/shop/actions/runs/417"},
    ),
    "GitLab": (
        {
            "GITLAB_CI": "true",
            "CI_PROJECT_NAME": "shop",
            "CI_PIPELINE_ID": "417",
            "CI_PIPELINE_URL": "https://gitlab.example/shop/-/pipelines/417",
            "CI_COMMIT_REF_NAME": "fix",
            "CI_DEFAULT_BRANCH": "trunk",
            "CI_COMMIT_SHA": "merged",
            "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "9d2c41ab",
        },
        {"tap-build-url": "https://gitlab.example/shop/-/pipelines/417", "tap-main-branch": "trunk"},
    ),
    "CircleCI": (
        {
            "CIRCLECI": "true",
            "CIRCLE_PROJECT_REPONAME": "shop",
            "CIRCLE_BUILD_NUM": "417",
            "CIRCLE_BUILD_URL": "https://circleci.example/417",
            "CIRCLE_BRANCH": "fix",
            "CIRCLE_SHA1": "9d2c41ab",
        },
        {"tap-build-url": "https://circleci.example/417"},
    ),
    "Buildkite": (
        {
            "BUILDKITE": "true",
            "BUILDKITE_PIPELINE_SLUG": "shop",
            "BUILDKITE_BUILD_NUMBER": "417",
            "BUILDKITE_BUILD_URL": "https://buildkite.example/417",
            "BUILDKITE_BRANCH": "fix",
            "BUILDKITE_COMMIT": "9d2c41ab",
            "BUILDKITE_PIPELINE_DEFAULT_BRANCH": "trunk",
        },
        {"tap-build-url": "https://buildkite.example/417", "tap-main-branch": "trunk"},
    ),
    "Azure Pipelines": (
        {
            "TF_BUILD": "True",
            "BUILD_REPOSITORY_NAME": "example/shop",
            "BUILD_BUILDID": "417",
            "SYSTEM_COLLECTIONURI": "https://dev.azure.example/shop/",
            "SYSTEM_TEAMPROJECT": "Web shop",
            "BUILD_SOURCEBRANCH": "refs/heads/fix",
            "BUILD_SOURCEVERSION": "9d2c41ab",
        },
        {"tap-build-url": "https://dev.azure.example/shop/Web%20shop/_build/results?buildId=417"},
    ),
    "Jenkins": (
        {
            "JENKINS_URL": "https://jenkins.example/",
            "BUILD_TAG": "417",
            "BUILD_URL": "https://jenkins.example/job/shop/417/",
            "GIT_BRANCH": "origin/fix",
            "GIT_COMMIT": "9d2c41ab",
            "TAP_PROJECT": "shop",
        },
        {"tap-build-url": "https://jenkins.example/job/shop/417/"},
    ),
}


@pytest.mark.parametrize("system", CI)
def test_ci_system_says_where_a_report_comes_from(job: Job, system: str) -> None:
    variables, metadata = CI[system]
    job.write("report.xml", PASSING)
    done = job.upload("report.xml", without=["TAP_RESULTS_URL", "TAP_PROJECT", "TAP_BUILD"], **variables)
    assert (done.returncode, done.stderr) == (0, "")
    s3 = job.platform.emulator.client("s3")
    found = s3.head_object(Bucket=job.bucket, Key="shop/417/report.xml")["Metadata"]
    assert found == {"tap-project": "shop", "tap-branch": "fix", "tap-commit": "9d2c41ab", **metadata}


@pytest.mark.parametrize(
    ("arguments", "without", "reason"),
    [
        (["report.xml"], ["TAP_BUCKET"], "Name the bucket"),
        (["report.xml"], ["TAP_PROJECT"], "Name the project"),
        ([], [], "Name the reports"),
        (["--wait", "soon", "report.xml"], [], "--wait takes seconds, not soon."),
        (["--buckets", "x", "report.xml"], [], "There is no option --buckets."),
        (["--wait"], [], "--wait needs a value"),
        (["--project", "file://x", "report.xml"], [], "This cannot be the name of a project: file://x"),
    ],
)
def test_wrong_option_is_named(job: Job, arguments: list[str], without: list[str], reason: str) -> None:
    """And fails the job: it is no fault of TAP's."""
    done = job.upload(*arguments, without=without)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"TAP: {reason}")


def test_help_has_every_option(job: Job) -> None:
    done = job.upload("--help")
    assert (done.returncode, done.stderr) == (0, "")
    options = re.findall(r"^ +(--[a-z-]+)\) TAP_", SCRIPT.read_text(), re.MULTILINE)
    assert len(options) > 15
    assert [option for option in options if not re.search(rf"{option}\b", done.stdout)] == []
