"""The synthesized policies as AWS gets them: with ARNs in the place of Terraform's references."""

import json
import re
from typing import Any

from tests.security.iam import policy
from tests.unit.synthesized import Block, Platform

ACCOUNT = "111122223333"
REGION = "eu-north-1"

# The ARNs of what policies name, by the type of the resource. A policy that names another kind is an error.
_ARNS = {
    "aws_s3_bucket": "arn:aws:s3:::{name}",
    "aws_sqs_queue": "arn:aws:sqs:{region}:{account}:{name}",
    "aws_cloudwatch_event_bus": "arn:aws:events:{region}:{account}:event-bus/{name}",
    "aws_cloudwatch_event_rule": "arn:aws:events:{region}:{account}:rule/{bus}/{name}",
    "aws_lambda_function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "data.aws_iam_openid_connect_provider": "arn:aws:iam::{account}:oidc-provider/{issuer}",
    "data.aws_kms_alias": "arn:aws:kms:{region}:{account}:key/{name}",
}
_REFERENCE = re.compile(r"\$\{(?P<type>[\w.]+)\[(?P<name>[^\]]+)\]\.(?:arn|target_key_arn)\}")


def concrete(value: Any) -> Any:
    """A value of a synthesized stack, as `tests.unit.synthesized` reads it, in one account and region."""
    text = json.dumps(value).replace("{account}", ACCOUNT).replace("{region}", REGION).replace("{partition}", "aws")
    return json.loads(_REFERENCE.sub(_arn, text))


def arn(service: str, resource: str) -> str:
    """An ARN of the account and region."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def role_policy(platform: Platform, environment: str, service: str = "lambda") -> Block:
    """The one policy of a function's role, by default the ingest function's."""
    stack = platform[f"tap-iam-{environment}"]
    return policy(concrete(stack.resource("aws_iam_role_policy", name=f"tap-{service}-{environment}")["policy"]))


def reader_policy(platform: Platform, environment: str) -> Block:
    """What those have who may open the URL of the results."""
    return policy(concrete(platform[f"tap-results-{environment}"].resource("aws_iam_policy")["policy"]))


def queue_policies(platform: Platform) -> dict[str, list[Block]]:
    """The statements of every queue's policy, by the queue's name."""
    return {
        block["name"]: concrete(block["policy"])
        for stack in platform.values()
        for block in stack.resources("aws_sqs_queue")
    }


def _arn(reference: re.Match[str]) -> str:
    name = reference["name"]
    # Of an environment's rules all are on the one bus that it has.
    bus = f"tap-application-events-{name.rpartition('-')[2]}"
    return _ARNS[reference["type"]].format(
        region=REGION, account=ACCOUNT, name=name.replace("/", "-"), bus=bus, issuer=name.removeprefix("https://")
    )
