"""A CI job uploads by the role that TAP made for its project, and sees the results of that project alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import boto3
import pytest
from botocore.credentials import Credentials

from local.cdktf import PROJECT
from local.emulator import REGION
from local.platform import Platform
from tests import function_urls
from tests.e2e.stacks import SUFFIX
from tests.e2e.uploads import event_of, upload
from tests.function_urls import Answer

pytestmark = pytest.mark.security

ROLE = f"tap-upload-shop-{SUFFIX}"
REPORT = (PROJECT / "local" / "sample-report.xml").read_bytes()


@pytest.fixture(scope="module")
def job(platform: Platform) -> Credentials:
    """What a token of the repository's jobs is worth. The emulator takes any; tests/security knows whose AWS takes."""
    role_arn = platform.emulator.client("iam").get_role(RoleName=ROLE)["Role"]["Arn"]
    answer = platform.emulator.client("sts").assume_role_with_web_identity(
        RoleArn=role_arn, RoleSessionName="GitHubActions", WebIdentityToken="header.claims.signature"
    )
    given = answer["Credentials"]
    return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


@pytest.fixture(scope="module")
def ask(platform: Platform, job: Credentials) -> Callable[[str], Answer]:
    """Asks for a page as the job does."""

    def ask(path: str) -> Answer:
        request = function_urls.unsigned(f"{platform.access.outputs['results_url']}{path}")
        return function_urls.send(platform.emulator, function_urls.sign(request, job))

    return ask


def put(platform: Platform, job: Credentials, key: str, **metadata: str) -> None:
    s3 = boto3.client(
        "s3",
        endpoint_url=platform.emulator.url,
        region_name=REGION,
        aws_access_key_id=job.access_key,
        aws_secret_access_key=job.secret_key,
        aws_session_token=job.token,
    )
    s3.put_object(Bucket=platform.access.outputs["bucket_name"], Key=key, Body=REPORT, Metadata=metadata)


def test_it_uploads_and_sees_its_run(platform: Platform, job: Credentials, ask: Callable[[str], Answer]) -> None:
    put(platform, job, "shop/uploaders/report.xml")
    event = event_of(platform, "shop/uploaders/report.xml")
    assert (event["status"], event["project"]) == ("success", "shop")
    run = ask(f"api/runs/{event['event_id']}")
    assert (run.status, json.loads(run.body)["run"]["project"]) == (HTTPStatus.OK, "shop")


def test_it_sees_no_other_project(platform: Platform, ask: Callable[[str], Answer]) -> None:
    """Nor all of them together; the answer says which it may see."""
    upload(platform, "web/uploaders/report.xml", REPORT)
    other = event_of(platform, "web/uploaders/report.xml")
    refused: dict[str, Any] = {}
    for path in (f"api/runs/{other['event_id']}", "api/project?project=web", "api", "api/failing"):
        answer = ask(path)
        assert answer.status == HTTPStatus.FORBIDDEN, path
        refused[path] = json.loads(answer.body)["detail"]
    assert set(refused.values()) == {f"The role {ROLE} may see these projects alone, each by its name: shop."}


def test_its_folder_takes_no_other_project(platform: Platform, job: Credentials) -> None:
    """Whatever the metadata say: they are the job's own words."""
    put(platform, job, "shop/uploaders/foreign.xml", **{"tap-project": "web"})
    event = event_of(platform, "shop/uploaders/foreign.xml")
    assert (event["status"], event["project"], event["error"]["code"]) == ("error", "shop", "foreign_project")
