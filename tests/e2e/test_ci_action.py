"""action.yml at the deployed platform, with a stand-in for GitHub alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pytest

from tests.e2e.ci_job import BROKEN, CREDENTIALS, FAILING, PASSING, Job
from tests.e2e.code_host import AUTHOR, TOKEN, CodeHost, code_host
from tests.e2e.github_action import Done, run_action

MARKER = "<!-- tap: shop/unit -->\n"
# Texts that JSON, Markdown, shells and awk read as their own.
NAMES = [
    'a "quoted" \\ back\\\\slash',
    "$(touch run) `touch run` %s &amp; \\1 \\n",
    "\N{CROSS MARK}\u202e\x7f tab\there",
    "::error::x",
]


@pytest.fixture(params=[False, True], ids=["as it is", "with escapes"])
def github(request: pytest.FixtureRequest) -> Iterator[CodeHost]:
    with code_host(escapes=request.param) as host:
        yield host


CONTEXT: dict[str, Any] = {
    "job": "unit",
    "token": TOKEN,
    "event": {
        "pull_request": {"number": 12, "head": {"sha": "9d2c41ab"}},
        "repository": {"default_branch": "trunk"},
    },
}


def run(job: Job, inputs: Mapping[str, str], runner: Mapping[str, str], *, without: Collection[str] = ()) -> Done:
    """Use the action for report.xml in a pull request: it has to set what other jobs find in the environment."""
    every = {
        "reports": "report.xml",
        "bucket": job.bucket,
        "results-url": job.environment["TAP_RESULTS_URL"],
        "project": "shop",
        **inputs,
    }
    ours = [name for name in job.environment if name.startswith("TAP_")]
    return run_action(job, every, CONTEXT, {"GITHUB_RUN_ID": "417", **runner}, without=[*ours, *without])


def runner(host: CodeHost) -> dict[str, str]:
    """What GitHub's runner sets."""
    return {
        "GITHUB_API_URL": host.url,
        "GITHUB_REPOSITORY": "example/shop",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REF": "refs/pull/12/merge",
        "GITHUB_REF_NAME": "12/merge",
        "GITHUB_HEAD_REF": 'fix"$(touch run)',
        "GITHUB_SHA": "merged",
    }


def test_pull_request_has_one_comment_that_later_runs_change(job: Job, github: CodeHost) -> None:
    """Found behind a hundred others; what somebody else wrote with the same marker stays as it is."""
    others = [github.add(f'{index} \\" {{[" "id": 5', "octocat") for index in range(120)]
    others.append(github.add(f"{MARKER}### ✅ forged", "octocat"))
    bodies = [comment["body"] for comment in others]
    cases = "".join(
        f"<testcase name='{name.translate({34: '&quot;', 38: '&amp;', 127: '&#127;'})}'><failure/></testcase>"
        for name in NAMES
    )
    job.write("report.xml", f"<testsuite>{cases}</testsuite>")
    for tests, headline in (("4", "### ❌ 4 of 4 tests failed"), ("1", "### ✅ 1 test passed")):
        done = run(job, {"comment": "true"}, runner(github))
        assert (done.process.returncode, done.process.stderr) == (0, "")
        assert done.outputs["tests"] == tests
        assert done.summary.startswith(headline)
        [comment] = github.comments[len(others) :]
        assert comment["body"] == (MARKER + done.summary).removesuffix("\n")
        if tests == "4":
            assert 'a "quoted" \\ back\\\\slash' in done.summary
            assert "$(touch run) `touch run` %s &amp; \\1 \\n" in done.summary
        job.write("report.xml", PASSING)
    assert [comment["body"] for comment in others] == bodies
    assert sorted(path.name for path in job.directory.iterdir()) == ["report.xml"]
    s3 = job.platform.emulator.client("s3")
    assert s3.head_object(Bucket=job.bucket, Key="shop/417/unit/report.xml")["Metadata"] == {
        "tap-project": "shop",
        "tap-job": "unit",
        "tap-branch": 'fix"$(touch run)',
        "tap-main-branch": "trunk",
        "tap-commit": "9d2c41ab",
        "tap-build-url": "https://github.com/example/shop/actions/runs/417",
    }


def test_inputs_are_data(job: Job) -> None:
    """Whatever stands in one, nothing of it is run; failed tests do not fail the job."""
    evil = 'a"; touch run; $(touch run) `touch run`.xml'
    job.write(evil, FAILING)
    done = run(job, {"reports": evil, "job": evil, "summary": "false"}, {})
    assert (done.process.returncode, done.process.stderr) == (0, "")
    assert (done.outputs["failed"], done.summary) == ("1", "")
    assert [path.name for path in job.directory.iterdir()] == [evil]


def test_role_is_assumed_by_the_token_of_the_job(job: Job) -> None:
    """The job needs neither credentials nor a region."""
    with code_host(escapes=False) as github:
        job.write("report.xml", PASSING)
        done = run(
            job,
            {"role": job.role_arn},
            {
                "ACTIONS_ID_TOKEN_REQUEST_URL": f"{github.url}/token?api-version=2.0",
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": TOKEN,
            },
            without=[*CREDENTIALS, "AWS_REGION"],
        )
    assert (done.process.returncode, done.process.stderr) == (0, "")
    assert done.outputs["passed"] == "1"


@pytest.mark.parametrize("strict", ["false", "true"])
def test_pull_request_from_a_fork_goes_on(job: Job, strict: str) -> None:
    """It has no token to assume a role with."""
    job.write("report.xml", PASSING)
    done = run(job, {"role": job.role_arn, "strict": strict}, {}, without=CREDENTIALS)
    assert done.process.returncode == (1 if strict == "true" else 0)
    [warning] = done.process.stderr.splitlines()
    assert warning.startswith("::warning title=TAP::The job has no token for the role ")
    assert (set(done.outputs.values()) - {"0"}, done.summary) == ({""}, "")


def test_token_that_may_not_comment_does_not_fail_the_job(job: Job) -> None:
    with code_host(escapes=False) as github:
        job.write("report.xml", BROKEN)
        done = run(job, {"comment": "true", "token": "other"}, runner(github))
        assert github.comments == []
    assert done.process.returncode == 0
    [_, warning] = done.process.stderr.splitlines()
    assert warning.startswith("::warning title=TAP::No comment: status 401. Bad credentials ")


def test_comment_and_summary_are_cut_between_lines(job: Job) -> None:
    """GitHub would take neither if they were longer."""
    name, message = "\N{CROSS MARK}" * 140, "\N{COLLISION SYMBOL}" * 170
    for report in range(8):
        cases = "".join(
            f'<testcase name="{name}{report}{case}"><failure message="{message}"/></testcase>' for case in range(10)
        )
        job.write(f"{report}.xml", f"<testsuite>{cases}</testsuite>")
    with code_host(escapes=False) as github:
        done = run(job, {"reports": "*.xml", "comment": "true"}, {**runner(github), "TAP_SUMMARY_SIZE": "80000"})
        [comment] = github.comments
    assert (done.process.returncode, done.process.stderr) == (0, "")
    page = done.outputs["page"]
    for text, size in ((comment["body"], 65_000), (done.summary, 80_000)):
        assert size - 2_000 < len(text.encode()) <= size
        assert text.rstrip("\n").endswith(f"\n\n**Cut here.** [All of it]({page})")
    assert comment["user"]["login"] == AUTHOR
