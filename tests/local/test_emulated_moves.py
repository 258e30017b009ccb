"""Message move tasks of the emulator: what AWS takes, refuses and tells of them.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.emulator import Emulator
from tests.local.helpers.queues import Queues


@pytest.fixture
def queues(emulator: Emulator, name: str) -> Queues:
    queues = Queues(emulator, name)
    queues.make_pair("x")
    return queues


@pytest.fixture
def source(queues: Queues) -> str:
    return queues.make("dlq-x")


def latest(queues: Queues, source: str) -> dict[str, Any]:
    [task] = queues.sqs.list_message_move_tasks(SourceArn=source)["Results"]
    return dict(task)


def ended(queues: Queues, source: str) -> dict[str, Any]:
    while latest(queues, source)["Status"] == "RUNNING":
        time.sleep(0.02)
    return latest(queues, source)


def test_task_tells_how_far_it_is(queues: Queues, source: str) -> None:
    """It has a handle as long as it can be cancelled."""
    queues.bury("x", "a", "b")
    destination = queues.make("x")
    handle = queues.sqs.start_message_move_task(
        SourceArn=source, DestinationArn=destination, MaxNumberOfMessagesPerSecond=5
    )["TaskHandle"]
    task = latest(queues, source)
    assert (task["Status"], task["TaskHandle"], task["MaxNumberOfMessagesPerSecond"]) == ("RUNNING", handle, 5)
    task = ended(queues, source)
    assert "TaskHandle" not in task
    assert (task["Status"], task["SourceArn"], task["DestinationArn"]) == ("COMPLETED", source, destination)
    assert (task["ApproximateNumberOfMessagesMoved"], task["ApproximateNumberOfMessagesToMove"]) == (2, 2)


def test_message_in_somebodys_hands_stays(queues: Queues, source: str) -> None:
    queues.bury("x", "a", "b")
    held = queues.sqs.receive_message(QueueUrl=queues.url("dlq-x"), VisibilityTimeout=60)["Messages"]
    queues.sqs.start_message_move_task(SourceArn=source)
    assert ended(queues, source)["ApproximateNumberOfMessagesMoved"] == 1
    queues.sqs.change_message_visibility(
        QueueUrl=queues.url("dlq-x"), ReceiptHandle=held[0]["ReceiptHandle"], VisibilityTimeout=0
    )
    assert queues.texts("dlq-x") == [held[0]["Body"]]


def test_latest_task_comes_first(queues: Queues, source: str) -> None:
    for text in "a", "b":
        queues.bury("x", text)
        queues.sqs.start_message_move_task(SourceArn=source, DestinationArn=queues.make(f"x-{text}"))
        ended(queues, source)
    tasks = queues.sqs.list_message_move_tasks(SourceArn=source, MaxResults=10)["Results"]
    assert [task["DestinationArn"].rpartition(":")[2] for task in tasks] == [
        f"tap-x-b-{queues.suffix}",
        f"tap-x-a-{queues.suffix}",
    ]


def test_cancelled_task_leaves_the_rest(queues: Queues, source: str) -> None:
    queues.bury("x", "a", "b", "c")
    started = queues.sqs.start_message_move_task(SourceArn=source, MaxNumberOfMessagesPerSecond=1)
    queues.sqs.cancel_message_move_task(TaskHandle=started["TaskHandle"])
    assert ended(queues, source)["Status"] == "CANCELLED"
    assert len(queues.texts("x")) + len(queues.texts("dlq-x")) == 3
    with pytest.raises(ClientError, match=r"ResourceNotFoundException.*Task does not exist"):
        queues.sqs.cancel_message_move_task(TaskHandle=started["TaskHandle"])


def test_one_task_at_a_time(queues: Queues, source: str) -> None:
    queues.bury("x", "a", "b")
    queues.sqs.start_message_move_task(SourceArn=source, MaxNumberOfMessagesPerSecond=1)
    with pytest.raises(ClientError, match=r"InvalidParameterValue.*There is already a task running"):
        queues.sqs.start_message_move_task(SourceArn=source)


def test_source_has_to_be_a_queue_of_dead_letters(queues: Queues) -> None:
    with pytest.raises(ClientError, match="Source queue must be configured as a Dead Letter Queue"):
        queues.sqs.start_message_move_task(SourceArn=queues.make("x"))


@pytest.mark.parametrize("missing", ["SourceArn", "DestinationArn"])
def test_both_queues_have_to_be_there(queues: Queues, source: str, missing: str) -> None:
    arns = {"SourceArn": source, missing: f"{source}-missing"}
    with pytest.raises(ClientError, match=f"ResourceNotFoundException.* {missing} parameter doesn't exist"):
        queues.sqs.start_message_move_task(**arns)
