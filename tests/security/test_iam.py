"""The evaluator of policies, and what is found unneeded by it; and that what is proved of one role is so of all."""

import json

import pytest

from tests.security import iam
from tests.security.concrete import ACCOUNT, arn, role_policy
from tests.security.iam import Case, Request
from tests.unit.synthesized import Platform

ROLE = f"arn:aws:iam::{ACCOUNT}:role/tap"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage"],
            "Resource": [arn("sqs", "a"), arn("sqs", "b")],
            "Condition": {"StringEquals": {"aws:PrincipalTag/team": ["red", "blue"]}},
        }
    ],
}


def case(action: str, queue: str, team: str = "red") -> Case:
    context = {"aws:PrincipalTag/team": team}
    request = Request(principal=ROLE, action=f"sqs:{action}", resource=arn("sqs", queue), context=context)
    return Case(request=request, account=ACCOUNT)


EVERYTHING = [
    case("ReceiveMessage", "a"),
    case("ReceiveMessage", "b"),
    case("DeleteMessage", "a"),
    case("DeleteMessage", "b", team="blue"),
]


def test_what_all_need_is_not_unneeded() -> None:
    """Each of two actions on each of two resources, and each of two values of the condition."""
    assert len(iam.permissions(POLICY)) == 4
    assert len(iam.alternatives(POLICY)) == 2
    assert iam.unneeded(POLICY, EVERYTHING) == []


@pytest.mark.parametrize(
    ("missing", "unneeded"),
    [
        (0, ["sqs:ReceiveMessage on {a} (statement 1)"]),
        (1, ["sqs:ReceiveMessage on {b} (statement 1)"]),
        (2, ["sqs:DeleteMessage on {a} (statement 1)"]),
        (
            3,
            [
                "sqs:DeleteMessage on {b} (statement 1)",
                "aws:PrincipalTag/team StringEquals blue (statement 1)",
            ],
        ),
    ],
)
def test_what_nobody_asks_for_is_unneeded(missing: int, unneeded: list[str]) -> None:
    """One action on one resource, though the statement grants the two of each in one go."""
    asked = [case for place, case in enumerate(EVERYTHING) if place != missing]
    expected = [text.format(a=arn("sqs", "a"), b=arn("sqs", "b")) for text in unneeded]
    assert [str(part) for part in iam.unneeded(POLICY, asked)] == expected


def test_what_a_denial_refuses_alone_is_not_unneeded() -> None:
    """And what the rest of the policy does not allow in the first place is."""
    denial = {"Effect": "Deny", "Action": ["sqs:DeleteMessage", "sqs:PurgeQueue"], "Resource": arn("sqs", "a")}
    policy = {**POLICY, "Statement": [*POLICY["Statement"], denial]}
    asked = [case("DeleteMessage", "a"), case("PurgeQueue", "a")]
    assert iam.denied(policy, asked) == [it.request for it in asked]
    unneeded = [str(part) for part in iam.unneeded(policy, asked, "Deny")]
    assert unneeded == [f"sqs:PurgeQueue on {arn('sqs', 'a')} (statement 2)"]


def test_request_that_is_denied_anyway_needs_nothing() -> None:
    """Or a policy that lacks one thing would seem to need all the rest."""
    assert len(iam.unneeded(POLICY, [case("SendMessage", "a")])) == 6


def test_what_is_not_granted_is_denied() -> None:
    """Another queue, another action, and another value of the condition."""
    asked = [case("ReceiveMessage", "c"), case("SendMessage", "a"), case("ReceiveMessage", "a", team="green")]
    assert iam.denied(POLICY, [*asked, *EVERYTHING]) == [case.request for case in asked]


def test_wildcard_stands_for_the_end_of_a_line_as_well() -> None:
    """A key may have any character."""
    policy = iam.policy([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*.xml"}])
    resource = "arn:aws:s3:::bucket/a\r\nb\N{LINE SEPARATOR}c.xml"
    request = Request(principal=ROLE, action="s3:GetObject", resource=resource)
    assert iam.allowed([Case(request=request, account=ACCOUNT, identity_policy=policy)]) == [True]


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(Request(principal=ROLE, action="sqs:Receive", resource=arn("sqs", "a")), id="action"),
        pytest.param(Request(principal=ROLE, action="sqs:ReceiveMessage", resource=arn("sns", "a")), id="resource"),
        pytest.param(
            Request(
                principal=ROLE,
                action="sqs:ReceiveMessage",
                resource=arn("sqs", "a"),
                context={"kms:ViaService": "ssm.eu-north-1.amazonaws.com"},
            ),
            id="condition key",
        ),
    ],
)
def test_request_that_aws_does_not_know_is_an_error(request_: Request) -> None:
    """It would be denied, and so prove that a stranger is kept out."""
    with pytest.raises(AssertionError):
        iam.allowed([Case(request=request_, account=ACCOUNT, identity_policy=POLICY)])


@pytest.mark.parametrize("service", ["lambda", "schema", "results"])
def test_every_environment_has_the_same_role(platform: Platform, service: str) -> None:
    """What is proved of the role that is deployed on this machine is so of that of production, but for the names."""
    dev, prod = (role_policy(platform, environment, service) for environment in ("dev", "prod"))
    assert json.loads(json.dumps(prod).replace("prod", "dev")) == dev
