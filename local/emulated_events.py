"""EventBridge of the emulated AWS, where moto falls short: topics, what a replay repeats, and what no target takes."""

import copy
import json
import uuid
from typing import Any

from moto.core.utils import iso_8601_datetime_without_milliseconds, unix_time, utcfromtimestamp
from moto.events.models import Archive, Replay, ReplayState, Rule, events_backends
from moto.events.utils import EventTemplateParser
from moto.logs.exceptions import ResourceNotFoundException
from moto.sns.exceptions import SNSNotFoundError
from moto.sns.models import sns_backends
from moto.sqs.exceptions import QueueDoesNotExist
from moto.sqs.models import sqs_backends

_send_to_targets = Rule.send_to_targets

Event = dict[str, Any]


def _send_to_each_target(rule: Rule, event: Event, transform_input: bool = True) -> None:  # noqa: FBT001, FBT002 - moto's
    """Sends the event to all targets, and to its dead-letter queue what a target cannot get: moto fails instead."""
    for target in rule.targets:
        alone = copy.copy(rule)
        alone.targets = [target]
        try:
            if ":sns:" in target["Arn"]:
                _publish(alone, target, event)
            else:
                _send_to_targets(alone, copy.deepcopy(event), transform_input)  # type: ignore[arg-type]
        except (QueueDoesNotExist, ResourceNotFoundException, SNSNotFoundError) as error:
            if "DeadLetterConfig" in target:
                _bury(rule, target, event, error)


def _publish(rule: Rule, target: dict[str, Any], event: Event) -> None:
    """moto knows no topics as targets."""
    if rule.event_pattern.matches_event(event):  # type: ignore[arg-type]
        transformer = target.get("InputTransformer", {})
        message = EventTemplateParser.parse(
            input_template=transformer.get("InputTemplate"),
            input_paths_map=transformer.get("InputPathsMap", {}),
            event=event,  # type: ignore[arg-type]
        )
        backend = sns_backends[rule.account_id][rule.region_name]
        backend.get_topic(target["Arn"]).publish(json.dumps(message))


def _bury(rule: Rule, target: dict[str, Any], event: Event, error: Exception) -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html"""
    attributes = {
        "RULE_ARN": rule.arn,
        "TARGET_ARN": target["Arn"],
        "ERROR_CODE": "NO_RESOURCE",
        "ERROR_MESSAGE": str(error),
    }
    sqs_backends[rule.account_id][rule.region_name].send_message(
        target["DeadLetterConfig"]["Arn"].rpartition(":")[2],
        json.dumps(_as_delivered(event)),
        message_attributes={name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
    )


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


def install() -> None:
    """Let moto's EventBridge do all of it."""
    Rule.send_to_targets = _send_to_each_target  # type: ignore[method-assign,assignment]
    Replay.replay_events = _replay_events  # type: ignore[method-assign,assignment]
