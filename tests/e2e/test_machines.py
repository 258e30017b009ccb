"""What docs/api.md tells a CI job to do, done with curl at the deployed platform."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cdktf import PROJECT
from local.emulator import REGION
from local.platform import Platform
from tests.function_urls import assume

REPORT = b"""<testsuites><testsuite name="cart"><testcase classname="cart" name="adds"/>
<testcase classname="cart" name="pays"><failure message="expected `12`, was 13"/></testcase></testsuite></testsuites>"""
# With what stands otherwise in a URL, and in what is signed of it.
KEY = "machines/a b+c&d=\N{LATIN SMALL LETTER E WITH ACUTE}%20~/report.xml"


def example(beginning: str) -> str:
    """The example of the docs that begins so."""
    examples = re.findall(r"```sh\n(.*?)```", (PROJECT / "docs/api.md").read_text(), re.DOTALL)
    [found] = [example for example in examples if example.startswith(beginning)]
    return str(found)


@pytest.fixture
def job(platform: Platform, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a job that has the policy of readers and no other."""
    iam, outputs = platform.emulator.client("iam"), platform.access.outputs
    policy_arn = outputs["results_reader_policy_arn"]
    role_arn = iam.create_role(RoleName="ci-job", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    iam.attach_role_policy(RoleName="ci-job", PolicyArn=policy_arn)
    credentials = assume(platform.emulator, role_arn)
    # The emulator stands in the place of the address that the URL's name has in AWS, and has no TLS.
    (tmp_path / ".curlrc").write_text(f'connect-to = "::{platform.emulator.url.removeprefix("http://")}"\n')
    yield {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_SESSION_TOKEN": credentials.token,
        "RESULTS_URL": outputs["results_url"].replace("https://", "http://"),
    }
    iam.detach_role_policy(RoleName="ci-job", PolicyArn=policy_arn)
    iam.delete_role(RoleName="ci-job")


def run(script: str, environment: dict[str, str], directory: Path) -> subprocess.CompletedProcess[str]:
    command = ["bash", "-euo", "pipefail", "-c", example("results()") + script]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


def test_job_waits_for_its_upload_and_has_the_run_in_its_summary(
    platform: Platform, job: dict[str, str], tmp_path: Path
) -> None:
    """And then the list of what to quarantine."""
    bucket = platform.access.outputs["bucket_name"]
    put = platform.emulator.client("s3").put_object(
        Bucket=bucket, Key=KEY, Body=REPORT, Metadata={"tap-project": "machines", "tap-branch": "main"}
    )
    summary = tmp_path / "summary.md"
    environment = {
        **job,
        "TAP_BUCKET": bucket,
        "KEY": KEY,
        "VERSION": put["VersionId"],
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    script = example("run=") + example('results "/api/quarantine').replace("project=shop", "project=machines")
    done = run(script.removesuffix("pytest --junitxml=report.xml\n"), environment, tmp_path)
    assert done.returncode == 0, done.stderr
    assert summary.read_text().startswith("### ❌ 1 of 2 tests failed\n\n`machines` · `main` · ")
    assert "  ``expected `12`, was 13``\n" in summary.read_text()
    quarantine = json.loads((tmp_path / "quarantine.json").read_text())
    assert [(test["classname"], test["name"]) for test in quarantine["tests"]] == [("cart", "pays")]


def test_job_without_the_permission_is_told_so(job: dict[str, str], tmp_path: Path) -> None:
    """curl says which status it was, and ends with an error."""
    stranger = {**job, "AWS_SECRET_ACCESS_KEY": "guessed"}
    refused = run("results /api", stranger, tmp_path)
    assert (refused.returncode, refused.stdout) == (22, "")
    assert "403" in refused.stderr
