"""EventBridge's schedules in the emulated AWS: moto keeps the rules, and never fires one."""

import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.emulated_metrics import put
from local.emulator import EmulatedAws

_LOOK = 2  # seconds between two looks at the rules
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


@contextmanager
def fired(emulator: EmulatedAws, *, speed: int) -> Iterator[None]:
    """Every rule with a rate invokes the functions that are its targets, for as long as this lasts.

    `speed`: see `local.emulator.Emulator`.
    """
    stopped = threading.Event()
    schedules = _Schedules(emulator, speed)

    def look() -> None:
        while not stopped.wait(_LOOK):
            try:
                schedules.fire_what_is_due()
            except (BotoCoreError, ClientError):
                logging.exception("Schedules are not fired")

    # An invocation that still runs must not keep the emulator from ending.
    threading.Thread(target=look, name="schedules", daemon=True).start()
    try:
        yield
    finally:
        stopped.set()


class _Schedules:
    def __init__(self, emulator: EmulatedAws, speed: int) -> None:
        self._speed = speed
        self._events = emulator.client("events")
        self._functions = emulator.client("lambda")
        self._due: dict[tuple[str, str], float] = {}  # by the rule's ARN and its schedule

    def fire_what_is_due(self) -> None:
        for rule in self._events.list_rules()["Rules"]:
            schedule = rule.get("ScheduleExpression", "")
            rate = _RATE.fullmatch(schedule)
            if not rate or rule["State"] != "ENABLED":
                continue
            # As AWS counts it, from the moment when the rule was made.
            period = int(rate[1]) * _SECONDS[rate[2]] / self._speed
            now = time.monotonic()
            if self._due.setdefault((rule["Arn"], schedule), now + period) <= now:
                self._due[rule["Arn"], schedule] = now + period
                for target in self._events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
                    self._invoke(rule, target)

    def _invoke(self, rule: dict[str, Any], target: dict[str, Any]) -> None:
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html; schedules are the default bus's.
        dimensions = {"RuleName": rule["Name"]}
        put("AWS/Events", dimensions, ("Invocations", 1, "Count"))
        if self._is_admitted(rule["Arn"], target["Arn"]):
            self._functions.invoke(FunctionName=target["Arn"], Payload=target["Input"])
        else:
            put("AWS/Events", dimensions, ("FailedInvocations", 1, "Count"))
            logging.error("The policy of %s does not let %s invoke it", target["Arn"], rule["Arn"])

    def _is_admitted(self, rule_arn: str, function_arn: str) -> bool:
        try:
            policy = json.loads(self._functions.get_policy(FunctionName=function_arn)["Policy"])
        except self._functions.exceptions.ResourceNotFoundException:
            return False
        return any(
            statement["Effect"] == "Allow"
            and statement["Action"] == "lambda:InvokeFunction"
            and statement["Principal"] == {"Service": "events.amazonaws.com"}
            and statement["Condition"] == {"ArnLike": {"AWS:SourceArn": rule_arn}}
            for statement in policy["Statement"]
        )
