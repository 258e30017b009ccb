"""A custom EventBridge bus that keeps what passed over it."""

from cdktf_cdktf_provider_aws.cloudwatch_event_archive import CloudwatchEventArchive
from cdktf_cdktf_provider_aws.cloudwatch_event_bus import CloudwatchEventBus

from constructs import Construct


class EventBus(Construct):
    """A bus for the account's own events, and an archive of them from which they can be replayed.

    `archive_retention`: days.
    """

    bus: CloudwatchEventBus

    def __init__(self, scope: Construct, id: str, *, name: str, archive_name: str, archive_retention: int) -> None:
        super().__init__(scope, id)
        self.bus = CloudwatchEventBus(self, "Bus", name=name, tags={"Component": "events"})
        CloudwatchEventArchive(
            self,
            "Archive",
            name=archive_name,
            event_source_arn=self.bus.arn,
            retention_days=archive_retention,
        )
