"""Deploys that are killed: what the next one says, and what people then do, by docs/operating.md.

cdktf, Terraform and its providers are killed at once, and have no time to notice: so ends a job of CI, or a machine.
What AWS was asked for by then, it does. Into a state in S3, Terraform writes what it made every twenty seconds at the
most (https://github.com/hashicorp/terraform/pull/32680): the next deploy finds things that no state knows.
"""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from local.cdktf import Cdktf, CommandFailedError
from local.deployment import Deployment, without_colours
from local.emulator import Emulator
from tests.e2e.inventory import Resource, existing, known
from tests.terraform import terraform, text_of

# cdktf's own margin, with the stack that a line is of, and Terraform's around an error.
_MARGIN = re.compile(r"^(tap-\S+)?\s*[│╷╵]?", re.MULTILINE)
_LOCK = re.compile(r"Lock Info: ID: (?P<id>\S+) Path: [^/]+/(?P<suffix>[^/]+)/(?P<service>[a-z0-9]+)\.tfstate")
_EXISTS = re.compile(r"AlreadyExist|already exists|InvalidGroup\.Duplicate|InvalidPermission\.Duplicate|Conflict")
_WITH = re.compile(r" with (?P<address>\w+\.\w+)")
_NAMED = re.compile(r"[^(:]*\((?P<name>[^)]+)\)")


@dataclass
class Repair:
    """What it took until a deploy went through."""

    unlocked: int = 0
    imported: list[str] = field(default_factory=list)
    """Addresses."""
    deleted: list[str] = field(default_factory=list)
    """Addresses of secrets, which are made anew."""
    swept: list[str] = field(default_factory=list)
    """What has no name, was made twice, and is found by its tags alone."""


def killed(cdktf: Cdktf, *stacks: str, when: Callable[[Deployment], bool]) -> bool:
    """Deploys, and kills the deploy when that is so. Whether it came to that, before Terraform was done."""
    names: set[str] = set()
    with suppress(CommandFailedError), cdktf.running("deploy", *stacks) as run:
        run.wait(until=when)
        names = kill(cdktf.directory)
    return "terraform" in names


def kill(directory: Path) -> set[str]:
    """Kills all that works below a folder, at once; the names of these processes."""
    stopped: set[psutil.Process] = set()
    # What one of them starts before it is stopped is found by the next look.
    while new := set(_working_below(directory)) - stopped:
        for process in new:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGSTOP)
        stopped |= new
    names = set()
    for process in stopped:
        with suppress(psutil.NoSuchProcess):
            names.add(process.name())
            process.kill()
    psutil.wait_procs(list(stopped))
    return names


def _working_below(directory: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if Path(process.cwd() or "/").is_relative_to(directory):
                yield process


def repaired(cdktf: Cdktf, emulator: Emulator, deploy: Callable[[], None]) -> Repair:
    """Deploys until it goes through, and does in between what each error asks for. Raises what it has no answer to."""
    repair = Repair()
    while True:
        before = cdktf.log.stat().st_size
        try:
            deploy()
        except CommandFailedError:
            with cdktf.log.open("rb") as log:
                log.seek(before)
                output = log.read().decode(errors="replace")
            if not _answer(_plain(output), cdktf, emulator, repair):
                raise
        else:
            return repair


def sweep(deployers: Iterable[Cdktf], emulator: Emulator, before: Counter[Resource]) -> list[str]:
    """Removes what no state knows of the kinds that have no name: AWS made a second one without a word."""
    unknown = existing(emulator) - before - known(state for cdktf in deployers for state in states(cdktf, emulator))
    ec2, kms = emulator.client("ec2"), emulator.client("kms")
    swept = []
    for type_, name in sorted(unknown):
        if type_ == "aws_kms_key":
            kms.schedule_key_deletion(KeyId=name, PendingWindowInDays=7)
        elif type_ == "aws_vpc_endpoint":
            ec2.delete_vpc_endpoints(VpcEndpointIds=[name])
        else:
            continue
        swept.append(type_)
    return swept


def _plain(output: str) -> str:
    """The text in one line, without colours and margins."""
    return " ".join(_MARGIN.sub(" ", without_colours(output)).split())


def _answer(output: str, cdktf: Cdktf, emulator: Emulator, repair: Repair) -> bool:
    """Whether an error had an answer: a lock that nobody holds any more, or something that no state knows."""
    answered = False
    for lock in _LOCK.finditer(output):
        stack = "tap-account" if lock["service"] == "account" else f"tap-{lock['service']}-{lock['suffix']}"
        _terraform(cdktf, stack, "force-unlock", "-force", lock["id"])
        repair.unlocked += 1
        answered = True
    for error in output.split("Error: ")[1:]:
        found = _WITH.search(error)
        if not found or not _EXISTS.search(error):
            continue
        stack, configured = _configured(cdktf, found["address"])
        if "value_wo" in configured:
            # Terraform would read the secret into its state: it is made anew instead.
            emulator.client("ssm").delete_parameter(Name=configured["name"])
            repair.deleted.append(found["address"])
        else:
            id_ = _import_id(cdktf, emulator, found["address"], configured, error)
            _terraform(cdktf, stack, "import", "-input=false", found["address"], id_)
            repair.imported.append(found["address"])
            if found["address"].startswith("aws_security_group."):
                _close(emulator, id_)
        answered = True
    return answered


def _configured(cdktf: Cdktf, address: str) -> tuple[str, dict[str, Any]]:
    """The stack that has a resource, and what is written there about it."""
    type_, _, id_ = address.partition(".")
    for file in (cdktf.directory / "cdktf.out" / "stacks").glob("*/cdk.tf.json"):
        resources = json.loads(file.read_text()).get("resource", {})
        if id_ in resources.get(type_, {}):
            return file.parent.name, resources[type_][id_]
    raise LookupError(address)


def _import_id(cdktf: Cdktf, emulator: Emulator, address: str, configured: dict[str, Any], error: str) -> str:
    """By what Terraform imports a resource: the name that the error has in brackets, or else an id."""
    ec2 = emulator.client("ec2")
    type_ = address.partition(".")[0]
    if type_ == "aws_security_group":
        groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [configured["name"]]}])
        return str(groups["SecurityGroups"][0]["GroupId"])
    if type_ in {"aws_vpc_security_group_egress_rule", "aws_vpc_security_group_ingress_rule"}:
        group = configured["security_group_id"].removeprefix("${").removesuffix(".id}")
        group_id = _import_id(cdktf, emulator, group, _configured(cdktf, group)[1], error)
        rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group_id]}])
        [rule] = [
            rule["SecurityGroupRuleId"]
            for rule in rules["SecurityGroupRules"]
            if rule.get("Description") == configured["description"]
        ]
        return str(rule)
    named = _NAMED.match(error)
    if named is None:
        raise LookupError(error)
    return named["name"]


def _close(emulator: Emulator, group_id: str) -> None:
    """Takes back the rule to everywhere that AWS makes with every group, as Terraform does with those that it makes."""
    ec2 = emulator.client("ec2")
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group_id]}])
    for rule in rules["SecurityGroupRules"]:
        if rule["IsEgress"] and rule.get("CidrIpv4") == "0.0.0.0/0":
            ec2.revoke_security_group_egress(GroupId=group_id, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])


def _terraform(cdktf: Cdktf, stack: str, *arguments: str) -> None:
    answer = terraform(cdktf, stack, *arguments)
    if answer.returncode:
        raise AssertionError(text_of(answer))


def states(cdktf: Cdktf, emulator: Emulator) -> Iterator[dict[str, Any]]:
    """All that Terraform wrote down: beside `cdktf.out`, or in the bucket of the states, those of its environment."""
    for file in cdktf.directory.glob("*.tfstate"):
        yield json.loads(file.read_text())
    if bucket := cdktf.environment.get("TF_STATE_BUCKET"):
        s3 = emulator.client("s3")
        prefix = f"{cdktf.environment['ENVIRONMENT_SUFFIX']}/"
        for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
            if entry["Key"].endswith(".tfstate"):
                yield json.load(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"])


def differences(deployers: Iterable[Cdktf], emulator: Emulator, before: Counter[Resource]) -> list[str]:
    """What exists, beside what did before, and no state knows; and what a state knows and does not exist, or twice."""
    here = existing(emulator) - before
    there = known(state for cdktf in deployers for state in states(cdktf, emulator))
    return [
        *(f"no state knows {resource.type} {resource.name}" for resource in here - there),
        *(f"only a state knows {resource.type} {resource.name}" for resource in there - here),
    ]


def changes(cdktf: Cdktf, stack: str) -> list[str]:
    """The addresses of all that a plan would change."""
    answer = terraform(cdktf, stack, "plan", "-detailed-exitcode", "-input=false", "-json", "-lock=false")
    lines = [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]
    if answer.returncode == 1:
        raise AssertionError(answer.stdout + answer.stderr)
    return sorted(line["change"]["resource"]["addr"] for line in lines if line["type"] == "planned_change")
