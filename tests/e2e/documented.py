"""The commands of docs/operating.md, done to the deployed platform as they stand there."""

import json
import re
import shlex
from typing import Any

import jmespath  # type: ignore[import-untyped]
from botocore import xform_name

from local.cdktf import PROJECT
from local.emulator import REGION
from local.platform import Platform
from tests.e2e.stacks import SUFFIX

_PAGE = (PROJECT / "docs" / "operating.md").read_text()
# What the examples are about.
_ENVIRONMENT, _REGION = "prod", "eu-central-1"


def command(beginning: str) -> str:
    """The command that begins so, for this environment."""
    blocks = re.findall(r"(?:^ {4,}.*\n)+", _PAGE, re.MULTILINE)
    lines = [line.strip() for block in blocks for line in re.sub(r"\\\n *", "", block).splitlines()]
    [found] = [line for line in lines if line.startswith(beginning)]
    return re.sub(rf"\b{_ENVIRONMENT}\b", SUFFIX, found).replace(_REGION, REGION)


def aws(platform: Platform, text: str) -> Any:
    """Does what the AWS CLI does for a command: its operations and options are named after those of the API.

    https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-parameters.html
    """
    _, service, operation, *words = shlex.split(text)
    client = platform.emulator.client(service)
    method = operation.replace("-", "_")
    shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method]).input_shape
    query = "@"
    members = {f"--{xform_name(name, '-')}": (name, member.type_name) for name, member in shape.members.items()}
    parameters = {}
    while words:
        option = words.pop(0)
        if option == "--query":
            query = words.pop(0)
            continue
        name, kind = members[option]
        parameters[name] = True if kind == "boolean" else _value(words.pop(0), kind)
    return jmespath.search(query, getattr(client, method)(**parameters))


def _value(text: str, kind: str) -> Any:
    if kind in ("structure", "list", "map"):
        return json.loads(text)
    return int(text) if kind in ("integer", "long") else text
