"""Where TAP announces what it processed: the bus, and who hears of it."""

from cdktf_cdktf_provider_aws.cloudwatch_event_bus import CloudwatchEventBus
from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_subscription import SnsTopicSubscription
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue

from constructs import Construct
from constructs.alarm import DAY, Alarm
from constructs.caller import Caller
from constructs.chat_notification import chat_notification
from constructs.event_bus import EventBus
from constructs.event_rule import EventRule
from constructs.reliable_queue import ReliableQueue
from constructs.secure_queue import MAX_RETENTION_SECONDS
from constructs.secure_topic import SecureTopic
from handler.announcing import FAILURES_CHANGED, OBJECT_PROCESSED
from stacks.account_lookup import account_key_arn
from stacks.base import EnvironmentStack
from stacks.names import MaxLength, event_log_group_name, resource_name
from stacks.settings import EnvironmentSettings

_CONSUMER_TIMEOUT = 60  # seconds that a consumer of the events may take for a batch

# Seconds that an event may wait for its consumer. How soon one takes it is its own affair, but at the end of its
# retention it is lost: a weekend and a day before that, somebody should know.
_UNCONSUMED = MAX_RETENTION_SECONDS - 3 * DAY

# Its page as an address, which both chats make a link of: they have no other markup for links in common.
_NOTIFICATION_LINES = ("newly_failing", "fixed", "still_failing")
_NOTIFICATION_PATHS = {
    "event_id": "$.detail.event_id",
    "page_url": "$.detail.page_url",
    **{name: f"$.detail.message.{name}" for name in ("title", *_NOTIFICATION_LINES)},
}


class EventBridgeStack(EnvironmentStack):
    """Custom bus with an archive; a rule that routes to the consumer queue and to the monitoring log group."""

    custom_event_bus: CloudwatchEventBus
    custom_event_bus_arn: str
    event_source: str
    s3_processing_rule: CloudwatchEventRule
    consumer_queue: ReliableQueue
    undelivered_queue: SqsQueue
    monitoring_log_group: CloudwatchLogGroup
    alarms: tuple[Alarm, ...]
    notifications: SnsTopic | None
    """None unless the environment wants them."""

    def __init__(self, scope: Construct, *, environment: EnvironmentSettings, state_bucket: str | None) -> None:
        super().__init__(scope, "eventbridge", environment=environment, state_bucket=state_bucket)
        suffix = environment.suffix
        caller = Caller(self, "Caller")
        bus = EventBus(
            self,
            "EventBus",
            name=resource_name("application-events", suffix, MaxLength.EVENT_BUS),
            archive_name=resource_name("events", suffix, MaxLength.EVENT_ARCHIVE),
            archive_retention=environment.event_retention,
        )
        self.custom_event_bus = bus.bus
        self.custom_event_bus_arn = bus.bus.arn
        self.event_source = f"tap.application.{suffix}"
        rule = EventRule(
            self,
            "S3Processing",
            name=resource_name("s3-processing", suffix, MaxLength.EVENT_RULE),
            description="S3 objects that TAP has processed, with success or not",
            bus=bus,
            pattern={
                "source": [self.event_source],
                "detail-type": [OBJECT_PROCESSED],
                "detail": {"status": ["success", "error"]},
            },
            dead_letter_queue_name=resource_name("undelivered-events", suffix, MaxLength.QUEUE),
            caller=caller,
        )
        self.s3_processing_rule = rule.rule
        self.undelivered_queue = rule.dead_letter_queue.queue
        self.consumer_queue = ReliableQueue(
            self,
            "Consumer",
            name=resource_name("events", suffix, MaxLength.QUEUE),
            dead_letter_queue_name=resource_name("dlq-events", suffix, MaxLength.QUEUE),
            caller=caller,
            component="events",
            consumer_timeout=_CONSUMER_TIMEOUT,
            sender=rule.sender,
        )
        self.alarms = (*rule.alarms("events"), self.consumer_queue.dead_letter_alarm("events"))
        if environment.events_consumed:
            meaning = "Events wait in the consumer queue, and are lost when they are fourteen days old."
            self.alarms += (self.consumer_queue.age_alarm("events", meaning=meaning, seconds=_UNCONSUMED),)
        key_arn = account_key_arn(self)
        self.monitoring_log_group = CloudwatchLogGroup(
            self,
            "MonitoringLogGroup",
            name=event_log_group_name(suffix),
            retention_in_days=environment.log_retention,
            kms_key_id=key_arn,
            tags={"Component": "events"},
        )
        rule.add_target("ConsumerTarget", arn=self.consumer_queue.queue.arn)
        rule.add_target("MonitoringTarget", arn=self.monitoring_log_group.arn)
        self.notifications = None
        if environment.notifications or environment.notify_email:
            self.notifications = self._add_notifications(environment, bus, caller, key_arn)

    def _add_notifications(
        self, environment: EnvironmentSettings, bus: EventBus, caller: Caller, key_arn: str
    ) -> SnsTopic:
        """The topic, and the rule that tells it of tests which begin to fail or pass again."""
        rule = EventRule(
            self,
            "TestFailures",
            name=resource_name("test-failures", environment.suffix, MaxLength.EVENT_RULE),
            description="Tests that begin to fail or pass again",
            bus=bus,
            pattern={"source": [self.event_source], "detail-type": [FAILURES_CHANGED]},
            dead_letter_queue_name=resource_name("undelivered-notifications", environment.suffix, MaxLength.QUEUE),
            caller=caller,
        )
        self.alarms += rule.alarms("notifications")
        topic = SecureTopic(
            self,
            "Notifications",
            name=resource_name("test-failures", environment.suffix, MaxLength.TOPIC),
            display_name=f"TAP {environment.suffix}",
            caller=caller,
            component="events",
            kms_key_arn=key_arn,
            publisher="events.amazonaws.com",
            source_arn=rule.rule.arn,
            # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions
            source_is_told=False,
        ).topic
        notification = chat_notification(
            paths=_NOTIFICATION_PATHS,
            id="<event_id>",
            title="<title>",
            lines=[*(f"<{name}>" for name in _NOTIFICATION_LINES), "<page_url>"],
        )
        rule.add_target("NotificationsTarget", arn=topic.arn, input_transformer=notification)
        if environment.notify_email:
            SnsTopicSubscription(
                self, "NotifyMail", topic_arn=topic.arn, protocol="email", endpoint=environment.notify_email
            )
        return topic
