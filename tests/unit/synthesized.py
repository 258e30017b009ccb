"""What a synth wrote, read as Terraform and AWS read it: references are followed, policies are those of IAM.

The ids that CDKTF generates are left out: a reference names the resource, `${aws_sqs_queue[tap-ingest-dev].arn}`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Block = dict[str, Any]

# The security group that a setting names in `changed` (conftest.py).
READERS = "sg-0123456789abcdef0"

# Where Terraform works is known to it alone; these stand for it in the tests' expected values.
_CALLER = {
    "${data.aws_caller_identity.account_id}": "{account}",
    "${data.aws_region.name}": "{region}",
    "${data.aws_partition.partition}": "{partition}",
}
_REFERENCE = re.compile(
    r"(?P<mode>(?:data|ephemeral)\.)?(?P<type>(?:aws|terraform)_\w+)\.(?P<id>[\w-]+)(?P<attribute>(?:\.[\w-]+|\[\d+\])*)"
)
_POLICY_DOCUMENT = re.compile(r"\$\{data\.aws_iam_policy_document\.([\w-]+)\.json\}")
_NAMES = (
    *("name", "bucket", "identifier", "function_name", "service_name", "service", "queue_url"),
    *("alarm_name", "dashboard_name", "url"),
)


class Stack:
    """One synthesized stack. Blocks are read by `resource`, `data_source` and their plurals."""

    def __init__(self, id: str, platform: "Platform", path: Path) -> None:
        self.id = id
        self.text = path.read_text()
        self.document: Block = json.loads(self.text)
        self._platform = platform

    def resources(self, type: str) -> list[Block]:
        return [self.read(block) for block in self.document.get("resource", {}).get(type, {}).values()]

    def resource(self, type: str, **attributes: object) -> Block:
        """The one resource of a type that has these attributes."""
        return _only(self.resources(type), type, attributes)

    def data_sources(self, type: str) -> list[Block]:
        return [self.read(block) for block in self.document.get("data", {}).get(type, {}).values()]

    def data_source(self, type: str, **attributes: object) -> Block:
        """The one data source of a type that has these attributes."""
        return _only(self.data_sources(type), f"data.{type}", attributes)

    def all_resources(self) -> Iterator[tuple[str, Block]]:
        """Every resource with its type."""
        for kind in self.document.get("resource", {}):
            for block in self.resources(kind):
                yield kind, block

    @property
    def inventory(self) -> dict[str, int]:
        """How many resources of each type the stack holds."""
        return {kind: len(blocks) for kind, blocks in self.document.get("resource", {}).items()}

    @property
    def backend(self) -> Block:
        backend: Block = self.document["terraform"]["backend"]
        return backend

    def read(self, value: Any) -> Any:
        """A value of the JSON, with its references followed."""
        if isinstance(value, dict):
            return {key: self.read(item) for key, item in value.items() if key != "//"}
        if isinstance(value, list):
            return [self.read(item) for item in value]
        if not isinstance(value, str):
            return value
        if policy := _POLICY_DOCUMENT.fullmatch(value):
            document = self.document["data"]["aws_iam_policy_document"][policy[1]]
            return [_iam_statement(self.read(statement)) for statement in document["statement"]]
        text = _REFERENCE.sub(self._follow, value)
        for reference, short in _CALLER.items():
            text = text.replace(reference, short)
        return text

    def _follow(self, reference: re.Match[str]) -> str:
        mode, kind, name, attribute = reference.group("mode", "type", "id", "attribute")
        if kind == "terraform_remote_state":
            producer = self._platform[name.removeprefix("cross-stack-reference-input-")]
            output = producer.document["output"][attribute.removeprefix(".outputs.")]
            return str(producer.read(output["value"])).removeprefix("${").removesuffix("}")
        block = self.document[(mode or "resource.").removesuffix(".")][kind][name]
        named = next((str(self.read(block[key])) for key in _NAMES if key in block), None)
        # What has no name of its own is known by the thing that it belongs to.
        inner = re.search(r"\[(.*)\]", named) if named else None
        label = f"[{inner[1] if inner else named}]" if named else ""
        return f"{mode or ''}{kind}{label}{attribute}"


class Platform(Mapping[str, Stack]):
    """All stacks of one `cdktf.out`, by their ids."""

    def __init__(self, directory: Path) -> None:
        self._manifest = json.loads((directory / "manifest.json").read_text())["stacks"]
        self._stacks = {
            stack_id: Stack(stack_id, self, directory / entry["synthesizedStackPath"])
            for stack_id, entry in self._manifest.items()
        }

    def __getitem__(self, id: str) -> Stack:
        return self._stacks[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._stacks)

    def __len__(self) -> int:
        return len(self._stacks)

    @property
    def dependencies(self) -> dict[str, set[str]]:
        """What each stack waits for when `cdktf deploy` runs."""
        return {stack_id: set(entry["dependencies"]) for stack_id, entry in self._manifest.items()}


def walk(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key of nested blocks, with its value."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key, item
            yield from walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item)


def tls_only(actions: str, *resources: str) -> Block:
    """The statement that refuses requests without TLS."""
    return {
        "Effect": "Deny",
        "Principal": {"*": ["*"]},
        "Action": [actions],
        "Resource": list(resources),
        "Condition": {"Bool": {"aws:SecureTransport": ["false"]}},
    }


def queue_arn(queue: str) -> str:
    """How the policy of a queue, which is part of it, names the queue."""
    return f"arn:{{partition}}:sqs:{{region}}:{{account}}:{queue}"


def sender(service: str, source_arn: str, queue: str) -> Block:
    """The statement that lets one service send to a queue on behalf of one resource of the account."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": [service]},
        "Action": ["sqs:SendMessage"],
        "Resource": [queue_arn(queue)],
        "Condition": {
            "ArnEquals": {"aws:SourceArn": [source_arn]},
            "StringEquals": {"aws:SourceAccount": ["{account}"]},
        },
    }


def _only(blocks: list[Block], type: str, attributes: Mapping[str, object]) -> Block:
    matching = [block for block in blocks if attributes.items() <= {**block, "tags": None}.items()]
    assert len(matching) == 1, f"{len(matching)} of {type} with {attributes} in {json.dumps(blocks, indent=1)}"
    return matching[0]


def _iam_statement(statement: Block) -> Block:
    """A statement of `aws_iam_policy_document` as IAM writes it; one with `not_actions` and the like is refused."""
    assert statement.keys() <= {"sid", "effect", "actions", "resources", "principals", "condition"}, statement
    conditions: dict[str, Block] = {}
    for condition in statement.get("condition", []):
        conditions.setdefault(condition["test"], {})[condition["variable"]] = condition["values"]
    given = {
        "Effect": statement.get("effect", "Allow"),
        "Principal": {principal["type"]: principal["identifiers"] for principal in statement.get("principals", [])},
        "Action": statement["actions"],
        "Resource": statement.get("resources"),
        "Condition": conditions,
    }
    return {key: value for key, value in given.items() if value}
