"""Whoever operates an environment, in AWS or on this machine, and asks its schema function for what only they may."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.text import Text

from local.layout import plain
from local.running import running_platform
from local.signing import viewers_session
from stacks.names import MaxLength, function_name, resource_name

# Seconds: as long as the function may take. It is not asked twice for what it may still be doing.
_PATIENT = Config(read_timeout=910, retries={"total_max_attempts": 1})

Wanted = Mapping[str, str]
"""A project or an upload, by its name."""


class NotDoneError(Exception):
    """Not all of it is done; the sentence says what went wrong. Whatever was done is done."""


@dataclass(frozen=True, kw_only=True)
class Operator:
    """The way to an environment, with the operator's own permissions. `client` makes boto3's, of a service."""

    client: Callable[[str], Any]
    functions: Any
    schema_function: str
    ingest_function: str
    ingest_queue_url: Callable[[], str]

    def ask(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """What the schema function answers. Raises NotDoneError."""
        with sentences():
            answer = self.functions.invoke(FunctionName=self.schema_function, Payload=json.dumps(event))
        said: dict[str, Any] = json.load(answer["Payload"])
        if "FunctionError" in answer:
            raise NotDoneError(f"{self.schema_function} fails: {said['errorMessage']}")
        return said


def confirms(console: Console, environment: str | None, name: str) -> bool:
    """Whether they write the name of what is to be done something to."""
    # Whoever has an environment in their shell and means this machine does not write its name.
    to_confirm = f"{environment}/{name}" if environment else name
    return console.input(Text(f"Write {plain(to_confirm)} to go on: ")) == to_confirm


@contextmanager
def operating(environment: str | None, platform: Path) -> Iterator[Operator]:
    """Of an environment in AWS, or of what `platform` announces. Raises NotDoneError, NothingRunsError."""
    if environment:
        yield _in_aws(environment)
        return
    with running_platform(platform) as access:
        yield Operator(
            client=access.aws.client,
            functions=access.aws.client("lambda"),
            schema_function=access.outputs["schema_function_name"],
            ingest_function=access.outputs["lambda_function_name"],
            ingest_queue_url=lambda: access.outputs["ingest_queue_url"],
        )


@contextmanager
def sentences() -> Iterator[None]:
    """What AWS refuses, in one sentence."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise NotDoneError(f"AWS refuses: {error}") from error


def _in_aws(environment: str) -> Operator:
    with sentences():
        session = viewers_session()
        functions = session.client("lambda", config=_PATIENT)
    queue = resource_name("ingest", environment, MaxLength.QUEUE)

    def ingest_queue_url() -> str:
        # Whose account it is anybody may ask; for the URL of a queue they would need one more permission.
        with sentences():
            account = session.client("sts").get_caller_identity()["Account"]
        return f"{session.client('sqs').meta.endpoint_url}/{account}/{queue}"

    return Operator(
        client=session.client,
        functions=functions,
        schema_function=function_name("schema", environment),
        ingest_function=function_name("lambda", environment),
        ingest_queue_url=ingest_queue_url,
    )
