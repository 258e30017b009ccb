"""What a check finds, and the account that it asks."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from botocore.exceptions import ClientError

from local.layout import plain
from stacks.settings import EnvironmentSettings, Settings

# Where an action in IAM is not called as its operation in the API.
_SERVICES = {"service-quotas": "servicequotas"}
_ACTIONS = {"HeadBucket": "s3:ListBucket", "HeadObject": "s3:GetObject"}
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403")


class Mark(Enum):
    """How much a finding matters, in the order in which findings are shown: the worst stands last."""

    OK = "ok"
    NOTE = "note"
    """A deploy succeeds, and one should know this before it."""
    STOP = "stop"
    """A deploy fails, or what it makes does not work."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check found. `advice`: what to do, in a sentence. `lines`: what to run or to write, as it stands."""

    check: str
    mark: Mark
    found: str
    advice: str = ""
    lines: tuple[str, ...] = ()


class DeniedError(Exception):
    """The credentials may not ask this; `permission` is the IAM action that they lack."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission)
        self.permission = permission


@dataclass(frozen=True, kw_only=True)
class Account:
    """The account and region that the credentials lead to. `client` makes boto3's, of a service."""

    id: str
    arn: str
    region: str
    settings: Settings
    client: Callable[[str], Any]
    _answers: dict[str, dict[str, Any] | ClientError] = field(default_factory=dict)

    def ask(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """AWS's answer to a question that changes nothing; all pages of it, and asked only once.

        Raises DeniedError, and ClientError for every other refusal.
        """
        key = json.dumps([service, operation, arguments])
        if key not in self._answers:
            try:
                self._answers[key] = self._ask(service, operation, arguments)
            except ClientError as error:
                self._answers[key] = error
        answer = self._answers[key]
        if isinstance(answer, dict):
            return answer
        if answer.response["Error"]["Code"] in _DENIED:
            name = answer.operation_name
            raise DeniedError(_ACTIONS.get(name, f"{_SERVICES.get(service, service)}:{name}")) from answer
        raise answer

    def find(self, service: str, operation: str, *missing: str, **arguments: Any) -> dict[str, Any] | None:
        """As `ask`, or None if AWS refuses with one of the codes `missing`, since what is asked for is not there."""
        try:
            return self.ask(service, operation, **arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] in missing:
                return None
            raise

    def _ask(self, service: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        client = self.client(service)
        if client.can_paginate(operation):
            return dict(client.get_paginator(operation).paginate(**arguments).build_full_result())
        return dict(getattr(client, operation)(**arguments))

    def command(self, command: str) -> str:
        """A command of the AWS CLI for this region."""
        return f"aws {command} --region {self.region}"

    @property
    def environments(self) -> tuple[EnvironmentSettings, ...]:
        """Those that are about to be deployed."""
        return self.settings.environments


Check = Callable[[Account], Iterator[Finding]]


def checked(name: str, check: Check, account: Account) -> list[Finding]:
    """What a check finds; what it may not ask, or what AWS does not answer, is a finding as well."""
    findings = []
    try:
        for finding in check(account):
            findings.append(finding)  # noqa: PERF402 - those before an error stay
    except DeniedError as error:
        findings.append(
            Finding(
                check=name,
                mark=Mark.NOTE,
                found="may not be asked",
                advice=f"Your AWS credentials lack the permission {error.permission}: nothing is known of this.",
            )
        )
    except ClientError as error:
        findings.append(
            Finding(
                check=name, mark=Mark.NOTE, found="AWS does not answer", advice=f"Nothing is known: {plain(str(error))}"
            )
        )
    return findings


def tags_of(described: dict[str, Any]) -> dict[str, str]:
    """The tags of what AWS describes, by their keys."""
    return {tag["Key"]: tag["Value"] for tag in described.get("Tags", [])}
