"""What docs/operating.md tells an operator to do, done at the deployed platform; `test_protection.py` has the rest."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from local.cdktf import PROJECT
from local.platform import Platform
from tests.e2e.documented import aws, command
from tests.e2e.stacks import SUFFIX
from tests.e2e.uploads import event_of, upload, wait_for
from tests.terraform import terraform, text_of

REPORT = (PROJECT / "local" / "sample-report.xml").read_bytes()


def test_events_are_replayed(platform: Platform) -> None:
    """With the documented command: those of the time that it names come again, marked, and no others."""
    key = "shop/to-be-replayed.xml"
    begin = datetime.now(UTC)
    upload(platform, key, REPORT)
    first = event_of(platform, key)
    window = {"start": begin, "end": begin + timedelta(hours=1)}
    start = command("aws events start-replay")
    for name, moment in window.items():
        start = re.sub(rf"(?<=--event-{name}-time )\S+", moment.isoformat(), start)
    aws(platform, start)
    assert aws(platform, command("aws events describe-replay"))["State"] == "COMPLETED"

    sqs, queue = platform.emulator.client("sqs"), platform.access.outputs["events_queue_url"]

    def replayed() -> list[dict[str, Any]]:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        return [event for event in map(json.loads, (it["Body"] for it in messages)) if "replay-name" in event]

    [event] = wait_for(replayed)
    assert (event["replay-name"], event["detail"]) == ("consumer-outage", first)
    log = platform.emulator.client("logs").filter_log_events(
        logGroupName=platform.access.outputs["monitoring_log_group_name"], filterPattern='"replay-name"'
    )
    assert [json.loads(line["message"])["detail"] for line in log["events"]] == [first]


def test_disk_is_enlarged_and_stays_so(platform: Platform) -> None:
    """At once, by the documented command; the next deploy leaves it as it is."""
    aws(platform, command("aws rds modify-db-instance").replace(" 200 ", " 40 "))
    assert aws(platform, command("aws rds describe-db-instances")) == ["available", 40, 50]
    answer = terraform(
        platform.environment, f"tap-rds-{SUFFIX}", "plan", "-detailed-exitcode", "-input=false", "-no-color"
    )
    assert answer.returncode == 0, text_of(answer)
