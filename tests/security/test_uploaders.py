"""Whose tokens become a role of CI jobs, and what that may do."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.security import iam
from tests.security.concrete import ACCOUNT, arn, concrete, role_policy
from tests.security.conftest import UPLOADER
from tests.security.iam import Case, Request
from tests.security.test_results import INVOKE, INVOKE_BY_URL, INVOKE_OTHERWISE, OPEN, Asked
from tests.unit.synthesized import Platform

GITHUB = "token.actions.githubusercontent.com"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB}"
JOB = f"arn:aws:sts::{ACCOUNT}:assumed-role/tap-upload-{UPLOADER}-dev/GitHubActions"
BUCKET = f"arn:aws:s3:::tap-uploads-dev-{ACCOUNT}"


@pytest.fixture(scope="module")
def strangers(summary: list[str]) -> Iterator[list[int]]:
    """How many requests were tried that nobody may make."""
    tried: list[int] = []
    yield tried
    summary.append(f"uploaders: {sum(tried)} requests tried for another project, or by somebody else, none admitted")


def becomes(platform: Platform, *, principal: str = PROVIDER, action: str = "WithWebIdentity", **claims: str) -> bool:
    """Whether a token with these claims becomes the role."""
    name = f"tap-upload-{UPLOADER}-dev"
    trust = concrete(platform["tap-iam-dev"].resource("aws_iam_role", name=name)["assume_role_policy"])
    request = Request(
        principal=principal,
        action=f"sts:AssumeRole{action}",
        resource=f"arn:aws:iam::{ACCOUNT}:role/{name}",
        context={f"{GITHUB}:{claim}": value for claim, value in claims.items()},
    )
    [is_admitted] = iam.allowed([Case(request=request, account=ACCOUNT, resource_policy=iam.policy(trust))])
    return is_admitted


@pytest.mark.parametrize(
    "sub", ["repo:acme/shop:ref:refs/heads/main", "repo:acme/shop:pull_request", "repo:acme/shop:environment:ci"]
)
def test_jobs_of_the_repository_become_the_role(platform: Platform, sub: str) -> None:
    """Of any branch, pull request and environment."""
    assert becomes(platform, aud="sts.amazonaws.com", sub=sub)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "sts.amazonaws.com", "sub": "repo:acme/shop-evil:ref:refs/heads/main"},
        {"aud": "sts.amazonaws.com", "sub": "repo:acme2/shop:ref:refs/heads/main"},
        {"aud": "sts.amazonaws.com", "sub": "repo:evil/x:environment:repo:acme/shop:ref"},
        {"aud": "sts.amazonaws.com", "sub": "acme/shop"},
        {"aud": "sts.amazonaws.com"},
        {"aud": "https://github.com/acme", "sub": "repo:acme/shop:ref:refs/heads/main"},
        {"sub": "repo:acme/shop:ref:refs/heads/main"},
    ],
)
def test_no_other_token_does(platform: Platform, strangers: list[int], claims: dict[str, str]) -> None:
    """Another repository's, one for another service, one that does not say whose it is."""
    strangers.append(1)
    assert not becomes(platform, **claims)


@pytest.mark.parametrize(
    ("principal", "action"),
    [
        (f"arn:aws:iam::{ACCOUNT}:oidc-provider/gitlab.com", "WithWebIdentity"),
        (f"arn:aws:iam::{ACCOUNT}:role/other", ""),
        ("lambda.amazonaws.com", ""),
    ],
)
def test_nobody_else_does(platform: Platform, strangers: list[int], principal: str, action: str) -> None:
    strangers.append(1)
    claims = {"aud": "sts.amazonaws.com", "sub": "repo:acme/shop:pull_request"} if action else {}
    assert not becomes(platform, principal=principal, action=action, **claims)


def put(key: str, bucket: str = BUCKET, action: str = "PutObject") -> Request:
    return Request(principal=JOB, action=f"s3:{action}", resource=f"{bucket}/{key}")


def ask(asked: Asked, function: str = "tap-results-dev") -> Request:
    action, context = asked
    return Request(principal=JOB, action=action, resource=arn("lambda", f"function:{function}"), context=context)


def cases(requests: list[Request]) -> list[Case]:
    return [Case(request=request, account=ACCOUNT) for request in requests]


def test_job_uploads_to_its_folder_and_opens_the_results(platform: Platform) -> None:
    """And whatever is taken away of the policy, it misses."""
    policy = role_policy(platform, "dev", f"upload-{UPLOADER}")
    wanted = cases([put("shop/417/report.xml"), ask(OPEN), ask(INVOKE_BY_URL)])
    assert iam.denied(policy, wanted) == []
    assert [str(part) for part in iam.unneeded(policy, wanted)] == []


def test_job_gets_no_further(platform: Platform, strangers: list[int]) -> None:
    """Neither to another folder, nor to what lies there, nor to another environment."""
    policy = role_policy(platform, "dev", f"upload-{UPLOADER}")
    tried = [
        put("report.xml"),
        put("web/report.xml"),
        put("shop"),
        put("shop-evil/report.xml"),
        put("other/shop/report.xml"),
        put("shop/report.xml", bucket=f"arn:aws:s3:::tap-uploads-prod-{ACCOUNT}"),
        *(
            put("shop/report.xml", action=action)
            for action in ("GetObject", "GetObjectVersion", "DeleteObject", "PutObjectAcl", "PutObjectTagging")
        ),
        Request(principal=JOB, action="s3:ListBucket", resource=BUCKET),
        ask(INVOKE),
        ask(INVOKE_OTHERWISE),
        *(
            ask(asked, function)
            for function in ("tap-results-prod", "tap-lambda-dev", "tap-schema-dev")
            for asked in (OPEN, INVOKE_BY_URL, INVOKE)
        ),
    ]
    assert iam.denied(policy, cases(tried)) == tried
    strangers.append(len(tried))


@pytest.mark.parametrize("place", [1, 2])
def test_each_condition_keeps_it_out(platform: Platform, place: int) -> None:
    """Without one of them it would invoke the function with an event of its own, whoever that says to be."""
    policy = json.loads(json.dumps(role_policy(platform, "dev", f"upload-{UPLOADER}")))
    del policy["Statement"][place]["Condition"]
    tried = [ask(INVOKE), ask(("lambda:InvokeFunctionUrl", {"lambda:FunctionUrlAuthType": "NONE"}))]
    assert iam.denied(policy, cases(tried)) != tried
