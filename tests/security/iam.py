"""IAM policies, and who may do what under them: evaluated as AWS does it, by iam-simulate, without a network."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.unit.synthesized import Block

_SIMULATE = Path(__file__).with_name("simulate.mjs")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What AWS decides about. `principal`: the ARN of an identity, or a service's name."""

    principal: str
    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.action} on {self.resource} by {self.principal} {dict(self.context)}"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A request, and the policies that have a say in it.

    `account`: whose resource it is. `endpoint_policy`: that of the VPC endpoint through which the request goes.
    """

    request: Request
    account: str
    identity_policy: Block | None = None
    resource_policy: Block | None = None
    endpoint_policy: Block | None = None


def allowed(cases: Sequence[Case]) -> list[bool]:
    """Whether each request is allowed. A request that AWS does not know is an error."""
    questions = [
        {
            "request": {
                "principal": case.request.principal,
                "action": case.request.action,
                "resource": {"resource": case.request.resource, "accountId": case.account},
                "contextVariables": dict(case.request.context),
            },
            "identityPolicy": case.identity_policy,
            "resourcePolicy": case.resource_policy,
            "endpointPolicy": case.endpoint_policy,
        }
        for case in cases
    ]
    answer = subprocess.run(
        ["node", str(_SIMULATE)], input=json.dumps(questions), capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return [verdict == "Allowed" for verdict in json.loads(answer.stdout)]


def policy(statements: Sequence[Block]) -> Block:
    """The document of these statements as Terraform writes it: what is one of a kind stands without its list."""
    return {"Version": "2012-10-17", "Statement": [_written(statement) for statement in statements]}


@dataclass(frozen=True, kw_only=True)
class Permission:
    """The smallest part of an identity policy: one action on one resource, by the place of its statement."""

    statement: int
    action: str
    resource: str

    def __str__(self) -> str:
        return f"{self.action} on {self.resource} (statement {self.statement + 1})"


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """One of the values under which a statement's condition is met."""

    statement: int
    operator: str
    key: str
    value: str

    def __str__(self) -> str:
        return f"{self.key} {self.operator} {self.value} (statement {self.statement + 1})"


def permissions(document: Block, effect: str = "Allow") -> list[Permission]:
    """All that the policy grants, or with `Deny` all that it refuses. Its statements name actions and resources."""
    granted = []
    for place, statement in enumerate(document["Statement"]):
        assert statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}, statement
        if statement["Effect"] != effect:
            continue
        granted += [
            Permission(statement=place, action=action, resource=resource)
            for action in _list(statement["Action"])
            for resource in _list(statement["Resource"])
        ]
    return granted


def alternatives(document: Block, effect: str = "Allow") -> list[Alternative]:
    """All values of all conditions under which the policy grants something, or with `Deny` refuses it."""
    return [
        Alternative(statement=place, operator=operator, key=key, value=value)
        for place, statement in enumerate(document["Statement"])
        if statement["Effect"] == effect
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
        for value in _list(values)
    ]


def without(document: Block, part: Permission | Alternative) -> Block:
    """The policy without that part, and with all the rest."""
    statements = list(document["Statement"])
    statement = statements.pop(part.statement)
    if isinstance(part, Permission):
        statements += _without_permission(statement, part)
    else:
        statements += _without_alternative(statement, part)
    return {**document, "Statement": statements}


def denied(document: Block, cases: Sequence[Case]) -> list[Request]:
    """The requests that the identity policy does not allow."""
    verdicts = allowed([replace(case, identity_policy=document) for case in cases])
    return [case.request for case, verdict in zip(cases, verdicts, strict=True) if not verdict]


def unneeded(document: Block, cases: Sequence[Case], effect: str = "Allow") -> list[Permission | Alternative]:
    """The parts of the identity policy whose removal changes the answer to none of the requests.

    Of what it grants, these are the requests that it allows; with `Deny`, of what it refuses, those that it denies.
    """
    wanted = effect == "Allow"
    verdicts = allowed([replace(case, identity_policy=document) for case in cases])
    cases = [case for case, verdict in zip(cases, verdicts, strict=True) if verdict is wanted]
    parts: list[Permission | Alternative] = [*permissions(document, effect), *alternatives(document, effect)]
    verdicts = allowed([replace(case, identity_policy=without(document, part)) for part in parts for case in cases])
    return [
        part
        for place, part in enumerate(parts)
        if all(verdict is wanted for verdict in verdicts[place * len(cases) : (place + 1) * len(cases)])
    ]


def _without_permission(statement: Block, permission: Permission) -> Iterator[Block]:
    others = [resource for resource in _list(statement["Resource"]) if resource != permission.resource]
    if others:
        yield {**statement, "Resource": others}
    rest = [action for action in _list(statement["Action"]) if action != permission.action]
    if rest:
        yield {**statement, "Action": rest, "Resource": permission.resource}


def _without_alternative(statement: Block, alternative: Alternative) -> Iterator[Block]:
    values = [
        value
        for value in _list(statement["Condition"][alternative.operator][alternative.key])
        if value != alternative.value
    ]
    if values:
        keys = {**statement["Condition"][alternative.operator], alternative.key: values}
        yield {**statement, "Condition": {**statement["Condition"], alternative.operator: keys}}


def _written(value: Any) -> Any:
    if isinstance(value, dict):
        return "*" if value == {"*": ["*"]} else {key: _written(item) for key, item in value.items()}
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
