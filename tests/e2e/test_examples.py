"""What teams are told, on the deployed platform: the topic of notifications, and the example of docs/consuming.md."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cdktf import PROJECT
from local.platform import Platform
from tests.e2e.stacks import SUFFIX
from tests.e2e.uploads import wait_for

NAME = "&lt;!channel> &lt;@U123> *b* `c` &quot;q&quot; \\ &amp; https://evil.example [x](https://evil.example) \u202e"


def upload(platform: Platform, project: str, *, failed: bool, name: str = "adds") -> None:
    """A report of one test, until it is recorded: the next one comes after it."""
    outcome = "<failure/>" if failed else ""
    platform.emulator.client("s3").put_object(
        Bucket=platform.access.outputs["bucket_name"],
        Key=f"{project}/report.xml",
        Body=f'<testsuite><testcase name="{name}">{outcome}</testcase></testsuite>'.encode(),
        Metadata={"tap-project": project, "tap-job": "unit", "tap-branch": "main"},
    )

    def is_recorded() -> bool:
        with platform.access.connect() as connection:
            query = "select 1 from run_summary where (project, failed) = (%s, %s)"
            return connection.execute(query, [project, int(failed)]).fetchone() is not None

    wait_for(is_recorded)


def received(platform: Platform, queue_url: str) -> Any:
    """The next message of a queue."""
    sqs = platform.emulator.client("sqs")
    [message] = wait_for(lambda: sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=1).get("Messages"))
    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    return json.loads(message["Body"])


@pytest.fixture
def subscribed(platform: Platform) -> Iterator[str]:
    """A queue that gets what a channel of Slack or Teams would."""
    sqs, sns = platform.emulator.client("sqs"), platform.emulator.client("sns")
    queue = sqs.create_queue(QueueName="channel")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = platform.access.outputs["notifications_topic_arn"]
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
    yield queue
    sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    sqs.delete_queue(QueueUrl=queue)


def test_a_chat_is_told_of_a_broken_test(platform: Platform, subscribed: str) -> None:
    """In AWS's form, and with nothing live in it that a report says."""
    for failed in (False, True):
        upload(platform, "notified", failed=failed, name=NAME)
    notification = json.loads(received(platform, subscribed)["Message"])
    shown = "‹!channel› ‹＠U123› ∗b∗ ‘c‘ ”q” ＼ ＆ https:∕∕evil.example [x] (https:∕∕evil.example) \ufffd"
    page = notification["content"]["description"].splitlines()[-1]
    assert notification == {
        "version": "1.0",
        "source": "custom",
        "id": notification["id"],
        "content": {
            "textType": "client-markdown",
            "title": "❌ notified: 1 newly failing · main · unit",
            "description": f"1 newly failing: `{shown[:79]}…`\nNone fixed\nNone still failing\n{page}",
        },
    }
    assert page.startswith(f"{platform.settings['results_address']}/runs/")


@pytest.fixture
def own_rule(platform: Platform, tmp_path: Path) -> Iterator[str]:
    """The URL of the queue that docs/examples/own_rule makes, from the outputs in the bucket of the state."""
    directory = tmp_path / "own_rule"
    shutil.copytree(PROJECT / "docs" / "examples" / "own_rule", directory)
    # What every provider and backend of this machine needs to find the emulator, and what no account does.
    (directory / "emulator_override.tf").write_text(
        'provider "aws" {\n  s3_use_path_style = true\n  skip_metadata_api_check = true\n}\n'
    )
    variables = [f"-var=state_bucket={platform.state_bucket}", f"-var=suffix={SUFFIX}", "-var=project=own"]

    def terraform(*arguments: str) -> str:
        answer = subprocess.run(
            ["terraform", *arguments],
            cwd=directory,
            env=platform.environment.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    terraform("init", "-input=false", "-no-color")
    try:
        terraform("apply", "-auto-approve", "-input=false", "-no-color", *variables)
        yield json.loads(terraform("output", "-json"))["queue_url"]["value"]
        terraform("plan", "-detailed-exitcode", "-input=false", "-no-color", *variables)
    finally:
        terraform("destroy", "-auto-approve", "-input=false", "-no-color", *variables)


def test_a_rule_of_ones_own_finds_the_bus_in_the_outputs(platform: Platform, own_rule: str) -> None:
    """Its queue gets what broke, and nothing of another project."""
    for project in ("other", "own"):
        for failed in (False, True):
            upload(platform, project, failed=failed)
    event = received(platform, own_rule)
    assert (event["source"], event["detail-type"]) == (f"tap.application.{SUFFIX}", "Test Failures Changed")
    assert (event["detail"]["project"], event["detail"]["newly_failing"]["count"]) == ("own", 1)
    sqs = platform.emulator.client("sqs")
    assert "Messages" not in sqs.receive_message(QueueUrl=own_rule)
