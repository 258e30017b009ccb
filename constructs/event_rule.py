"""An EventBridge rule that loses no event."""

import json
from collections.abc import Mapping

from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_event_target import (
    CloudwatchEventTarget,
    CloudwatchEventTargetDeadLetterConfig,
    CloudwatchEventTargetInputTransformer,
    CloudwatchEventTargetRetryPolicy,
)

from constructs import Construct
from constructs.alarm import Alarm
from constructs.caller import Caller
from constructs.event_bus import EventBus
from constructs.metrics import rule_metric
from constructs.secure_queue import QueueSender, SecureQueue, depth_alarm

_RETRY_SECONDS = 24 * 3600  # EventBridge's own limit
_RETRY_ATTEMPTS = 185  # EventBridge's own limit


class EventRule(Construct):
    """A rule on a bus. What cannot be delivered to a target after a day of attempts goes to a dead-letter queue.

    `pattern`: lists of the values that match, for every field (EventBridge's event patterns).
    """

    rule: CloudwatchEventRule
    dead_letter_queue: SecureQueue
    sender: QueueSender
    """What the rule is to the policy of a queue that is its target."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        description: str,
        bus: EventBus,
        pattern: Mapping[str, object],
        dead_letter_queue_name: str,
        caller: Caller,
    ) -> None:
        super().__init__(scope, id)
        self._bus = bus.bus
        self.rule = CloudwatchEventRule(
            self,
            "Rule",
            name=name,
            description=description,
            event_bus_name=bus.bus.name,
            event_pattern=json.dumps(pattern),
            tags={"Component": "events"},
        )
        self.sender = QueueSender(
            service="events.amazonaws.com", source_arn=self.rule.arn, source_account=caller.account_id
        )
        self.dead_letter_queue = SecureQueue(
            self, "DeadLetters", name=dead_letter_queue_name, caller=caller, component="events", sender=self.sender
        )

    def add_target(
        self, id: str, *, arn: str, input_transformer: CloudwatchEventTargetInputTransformer | None = None
    ) -> CloudwatchEventTarget:
        """Route matching events to the queue, topic or log group `arn`, whose policy lets them in.

        `input_transformer`: what is made of an event first; without one, the target gets the event itself.
        """
        return CloudwatchEventTarget(
            self,
            id,
            rule=self.rule.name,
            event_bus_name=self.rule.event_bus_name,
            arn=arn,
            retry_policy=CloudwatchEventTargetRetryPolicy(
                maximum_event_age_in_seconds=_RETRY_SECONDS, maximum_retry_attempts=_RETRY_ATTEMPTS
            ),
            dead_letter_config=CloudwatchEventTargetDeadLetterConfig(arn=self.dead_letter_queue.queue.arn),
            input_transformer=input_transformer,
        )

    def alarms(self, subject: str) -> tuple[Alarm, ...]:
        """What cannot be delivered is in the dead-letter queue, and lost where it cannot even be sent there.

        `subject`: what the rule's events are called in the alarms' names.
        """
        return (
            depth_alarm(
                self.dead_letter_queue.queue,
                name=f"undelivered-{subject}",
                meaning=f"EventBridge could not deliver {subject} to a target, and keeps them in a dead-letter queue.",
            ),
            Alarm(
                name=f"lost-{subject}",
                meaning=f"EventBridge could neither deliver {subject} nor send them to the dead-letter queue.",
                metric=rule_metric(self.rule, "InvocationsFailedToBeSentToDlq", "Sum", bus=self._bus),
                threshold=1,
                unit="events",
                missing_data="notBreaching",
            ),
        )
