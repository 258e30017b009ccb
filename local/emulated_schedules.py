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

from local.emulator import EmulatedAws

_LOOK = 2  # seconds between two looks at the rules
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


@contextmanager
def fired(emulator: EmulatedAws) -> Iterator[None]:
    """Every rule with a rate invokes the functions that are its targets, for as long as this lasts."""
    stopped = threading.Event()
    schedules = _Schedules(emulator)

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
    def __init__(self, emulator: EmulatedAws) -> None:
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
            period = int(rate[1]) * _SECONDS[rate[2]]
            now = time.monotonic()
            if self._due.setdefault((rule["Arn"], schedule), now + period) <= now:
                self._due[rule["Arn"], schedule] = now + period
                for target in self._events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
                    self._invoke(rule["Arn"], target)

    def _invoke(self, rule_arn: str, target: dict[str, Any]) -> None:
        if self._is_admitted(rule_arn, target["Arn"]):
            self._functions.invoke(FunctionName=target["Arn"], Payload=target["Input"])
        else:
            logging.error("The policy of %s does not let %s invoke it", target["Arn"], rule_arn)

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
