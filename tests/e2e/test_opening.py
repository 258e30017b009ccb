"""The URL of the results: those with the policy that the platform hands out open it, and nobody else does."""

import json
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import pytest
from botocore.credentials import Credentials

from local.cdktf import PROJECT
from local.platform import Platform
from tests.e2e.stacks import SUFFIX
from tests.e2e.uploads import event_of, upload
from tests.function_urls import Request, assume, send, sign, unsigned

pytestmark = pytest.mark.security

REPORT = PROJECT / "local" / "sample-report.xml"


@pytest.fixture(scope="module")
def run_id(platform: Platform) -> str:
    upload(platform, "opening/report.xml", REPORT.read_bytes())
    run_id: str = event_of(platform, "opening/report.xml")["run"]["id"]
    return run_id


@pytest.fixture(scope="module")
def page(platform: Platform, run_id: str) -> Request:
    """What a reader asks for, without a signature."""
    return unsigned(f"{platform.access.outputs['results_url']}api/runs/{run_id}")


@pytest.fixture(scope="module")
def role(platform: Platform) -> Iterator[Any]:
    """Makes roles of the account, with a managed policy or with none, and assumes them."""
    iam, made = platform.emulator.client("iam"), list[tuple[str, str | None]]()

    def make(name: str, policy_arn: str | None = None) -> Credentials:
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        if policy_arn:
            iam.attach_role_policy(RoleName=name, PolicyArn=policy_arn)
        made.append((name, policy_arn))
        return assume(platform.emulator, arn)

    yield make
    # IAM does not delete a policy that anybody has.
    for name, policy_arn in made:
        if policy_arn:
            iam.detach_role_policy(RoleName=name, PolicyArn=policy_arn)
        iam.delete_role(RoleName=name)


@pytest.fixture(scope="module")
def reader(platform: Platform, role: Callable[..., Credentials]) -> Credentials:
    return role("reader", platform.access.outputs["results_reader_policy_arn"])


def test_reader_sees_what_was_recorded(platform: Platform, page: Request, reader: Credentials, run_id: str) -> None:
    """With the policy of the outputs, and no other."""
    answer = send(platform.emulator, sign(page, reader))
    assert answer.status == HTTPStatus.OK
    assert run_id in json.dumps(json.loads(answer.body))


def test_reader_finds_the_url_by_the_functions_name(platform: Platform) -> None:
    """It is the one of the outputs."""
    functions, outputs = platform.emulator.client("lambda"), platform.access.outputs
    config = functions.get_function_url_config(FunctionName=outputs["results_function_name"])
    assert config["FunctionUrl"] == outputs["results_url"]
    assert (config["AuthType"], config.get("Cors"), config["InvokeMode"]) == ("AWS_IAM", None, "BUFFERED")


def test_stranger_does_not(platform: Platform, page: Request, role: Callable[..., Credentials]) -> None:
    """Who has no policy; and a function of the platform, with what its own role may do."""
    answers = {
        "a role without policies": send(platform.emulator, sign(page, role("stranger"))),
        **{
            service: send(platform.emulator, sign(page, _as_function(platform, service)))
            for service in ("lambda", "schema", "results")
        },
    }
    assert {who: answer.refusal[:2] for who, answer in answers.items()} == dict.fromkeys(
        answers, (HTTPStatus.FORBIDDEN, "AccessDeniedException")
    )


def _as_function(platform: Platform, service: str) -> Credentials:
    account = platform.emulator.client("sts").get_caller_identity()["Account"]
    return assume(platform.emulator, f"arn:aws:iam::{account}:role/tap-{service}-{SUFFIX}")


def test_another_account_does_not(platform: Platform, page: Request) -> None:
    """Its administrator cannot be let in by the policy of an identity."""
    stranger = assume(platform.emulator, "arn:aws:iam::444455556666:role/reader")
    assert send(platform.emulator, sign(page, stranger)).refusal[1] == "AccessDeniedException"


def test_unsigned_request_does_not(platform: Platform, page: Request) -> None:
    """Nothing is public."""
    assert send(platform.emulator, page).refusal[:2] == (HTTPStatus.FORBIDDEN, "AccessDeniedException")


@pytest.mark.parametrize("token", [None, "guessed"])
def test_session_with_a_wrong_token_does_not(
    platform: Platform, page: Request, reader: Credentials, token: str | None
) -> None:
    """Nor without one."""
    forged = Credentials(reader.access_key, reader.secret_key, token)
    assert send(platform.emulator, sign(page, forged)).refusal[1] == "UnrecognizedClientException"


def test_guessed_secret_does_not(platform: Platform, page: Request, reader: Credentials) -> None:
    """A key's id is no secret: it stands in every request."""
    forged = Credentials(reader.access_key, "guessed", reader.token)
    assert send(platform.emulator, sign(page, forged)).refusal[1] == "InvalidSignatureException"


def test_credentials_of_those_who_look_are_not_logged(platform: Platform, reader: Credentials) -> None:
    """The function is handed them, as it is in AWS."""
    log = platform.access.log_of(platform.access.outputs["results_function_name"]).read_text()
    assert "START RequestId" in log
    assert [secret for secret in (reader.token, reader.access_key, "Signature=") if secret in log] == []
