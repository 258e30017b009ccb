"""The job of ci/gitlab.yml at the deployed platform, with a stand-in for GitLab alone."""

from __future__ import annotations

import yaml

from local.cdktf import PROJECT
from tests.e2e.ci_job import CREDENTIALS, FAILING, Job
from tests.e2e.code_host import TOKEN, code_host


def test_merge_request_has_one_note(job: Job) -> None:
    """The script comes with the template, and assumes the role by GitLab's token."""
    template = yaml.safe_load((PROJECT / "ci" / "gitlab.yml").read_text())[".tap-upload"]
    assert (template["stage"], template["when"], list(template["id_tokens"])) == (".post", "always", ["TAP_TOKEN"])
    job.write("report.xml", FAILING)
    # A runner gives all commands to one shell.
    script = job.directory.parent / "job.sh"
    script.write_text("\n".join(template["script"]))
    with code_host(escapes=False) as gitlab:
        for _ in range(2):
            done = job.run(
                ["bash", "-eo", "pipefail", script],
                without=[*CREDENTIALS, "TAP_PROJECT", "TAP_BUILD"],
                TAP_ROLE=job.role_arn,
                TAP_TOKEN="eyJhbGciOiJub25lIn0.eyJzdWIiOiJqb2IifQ.c2ln",
                TAP_REPORTS="**/report.xml",
                TAP_COMMENT="true",
                TAP_COMMENT_TOKEN=TOKEN,
                GITLAB_CI="true",
                CI_API_V4_URL=gitlab.url,
                CI_PROJECT_ID="7",
                CI_PROJECT_NAME="shop",
                CI_MERGE_REQUEST_IID="12",
                CI_PIPELINE_ID="417",
            )
            assert (done.returncode, done.stderr) == (0, "")
        [note] = gitlab.comments
    summary = (job.directory / template["artifacts"]["paths"][0]).read_text()
    assert summary.startswith("### ❌ 1 of 2 tests failed")
    assert note["body"].startswith("<!-- tap: shop/ -->\n### ❌ 1 of 2 tests failed")
