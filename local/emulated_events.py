"""EventBridge of the emulated AWS, where moto falls short: topics, what a replay repeats, and what no target takes.

All of it is counted as AWS counts it.
"""

import copy
import json
import uuid
from collections.abc import Mapping
from typing import Any

from moto.core.utils import iso_8601_datetime_without_milliseconds, unix_time, utcfromtimestamp
from moto.events.models import Archive, Replay, ReplayState, Rule, events_backends
from moto.events.utils import EventTemplateParser
from moto.logs.exceptions import ResourceNotFoundException
from moto.sns.exceptions import SNSNotFoundError
from moto.sns.models import sns_backends
from moto.sqs.exceptions import QueueDoesNotExist
from moto.sqs.models import sqs_backends

from local.emulated_iam import admits
from local.emulated_metrics import Datum, put

_send_to_targets = Rule.send_to_targets

Event = dict[str, Any]


class _NotAdmittedError(Exception):
    """The policy of a target does not let the rule in."""


_UNDELIVERABLE: Mapping[type[Exception], str] = {
    _NotAdmittedError: "NO_PERMISSIONS",
    QueueDoesNotExist: "NO_RESOURCE",
    ResourceNotFoundException: "NO_RESOURCE",
    SNSNotFoundError: "NO_RESOURCE",
}
"""What EventBridge gives up without another attempt, and what it calls the reason."""


def _send_to_each_target(rule: Rule, event: Event, *, transform_input: bool, asks_policies: bool) -> None:
    """Sends the event to all targets, and to its dead-letter queue what a target cannot get: moto fails instead."""
    if not rule.event_pattern.matches_event(event):  # type: ignore[arg-type]
        return
    for target in rule.targets:
        alone = copy.copy(rule)
        alone.targets = [target]
        counted: list[Datum] = [("Invocations", 1, "Count")]
        try:
            if asks_policies:
                _require_admission(rule, target["Arn"])
            if ":sns:" in target["Arn"]:
                _publish(alone, target, event)
            else:
                _send_to_targets(alone, copy.deepcopy(event), transform_input)  # type: ignore[arg-type]
        except tuple(_UNDELIVERABLE) as error:
            counted.append(("FailedInvocations", 1, "Count"))
            if "DeadLetterConfig" in target:
                counted.append((_bury(rule, target, event, error, asks_policies=asks_policies), 1, "Count"))
        _count(rule, counted)


def _count(rule: Rule, data: list[Datum]) -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html

    That page: only the metrics of a custom bus have the dimension `EventBusName`.
    """
    bus = {} if rule.event_bus_name == "default" else {"EventBusName": rule.event_bus_name}
    put("AWS/Events", {**bus, "RuleName": rule.name}, *data)


def _require_admission(rule: Rule, arn: str) -> None:
    """Raises one of _UNDELIVERABLE, if it is a queue or a topic. Log groups have no policies of their own."""
    _, _, service, _, _, name = arn.split(":", 5)
    if service == "sqs":
        action, policy = "sqs:SendMessage", sqs_backends[rule.account_id][rule.region_name].get_queue(name).policy
    elif service == "sns":
        action, policy = "sns:Publish", sns_backends[rule.account_id][rule.region_name].get_topic(arn).policy
    else:
        return
    context = {"aws:sourcearn": rule.arn, "aws:sourceaccount": rule.account_id, "aws:securetransport": "true"}
    if not policy or not admits(
        json.loads(policy), service="events.amazonaws.com", action=action, resource=arn, context=context
    ):
        raise _NotAdmittedError(f"The policy of {arn} does not let {rule.arn} in.")


def _publish(rule: Rule, target: dict[str, Any], event: Event) -> None:
    """moto knows no topics as targets."""
    transformer = target.get("InputTransformer", {})
    message = EventTemplateParser.parse(
        input_template=transformer.get("InputTemplate"),
        input_paths_map=transformer.get("InputPathsMap", {}),
        event=event,  # type: ignore[arg-type]
    )
    backend = sns_backends[rule.account_id][rule.region_name]
    backend.get_topic(target["Arn"]).publish(json.dumps(message))


def _bury(rule: Rule, target: dict[str, Any], event: Event, error: Exception, *, asks_policies: bool) -> str:
    """Returns the metric that counts what came of it.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """
    dead_letter_queue = target["DeadLetterConfig"]["Arn"]
    try:
        if asks_policies:
            _require_admission(rule, dead_letter_queue)
    except tuple(_UNDELIVERABLE):
        return "InvocationsFailedToBeSentToDlq"
    attributes = {
        "RULE_ARN": rule.arn,
        "TARGET_ARN": target["Arn"],
        "ERROR_CODE": next(code for kind, code in _UNDELIVERABLE.items() if isinstance(error, kind)),
        "ERROR_MESSAGE": str(error),
    }
    sqs_backends[rule.account_id][rule.region_name].send_message(
        dead_letter_queue.rpartition(":")[2],
        json.dumps(_as_delivered(event)),
        message_attributes={name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
    )
    return "InvocationsSentToDlq"


def _as_delivered(event: Event) -> Event:
    delivered = {name: value for name, value in event.items() if name != "ingestion-time"}
    delivered["time"] = iso_8601_datetime_without_milliseconds(utcfromtimestamp(int(event["time"])))
    return delivered


def _replay_events(replay: Replay, archive: Archive) -> None:
    """Sends again what is of the time that was asked for, to the rules that were: moto sends all to all.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_StartReplay.html
    """
    rules = events_backends[replay.account_id][replay.region].describe_event_bus(archive.event_bus_name).rules.values()
    wanted = replay.destination.get("FilterArns") or [rule.arn for rule in rules]
    for event in archive.events:
        if float(replay.event_start_time) <= float(event["time"]) < float(replay.event_end_time):
            for rule in rules:
                if rule.arn in wanted:
                    repeated = {**event, "id": str(uuid.uuid4()), "replay-name": replay.name}
                    del repeated["ingestion-time"]
                    rule.send_to_targets(repeated, transform_input=False)  # type: ignore[arg-type]
    replay.state = ReplayState.COMPLETED
    replay.end_time = unix_time()


def install(*, asks_policies: bool) -> None:
    """Let moto's EventBridge do all of it. `asks_policies`: targets get only what their policies let in."""

    def send(rule: Rule, event: Event, transform_input: bool = True) -> None:  # noqa: FBT001, FBT002 - moto's
        _send_to_each_target(rule, event, transform_input=transform_input, asks_policies=asks_policies)

    Rule.send_to_targets = send  # type: ignore[method-assign,assignment]
    Replay.replay_events = _replay_events  # type: ignore[method-assign,assignment]
