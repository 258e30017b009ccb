"""`redrive`, asked as an operator asks it of an environment in AWS."""

import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.console import Console

from local.cdktf import PROJECT
from local.emulator import Emulator, clean_environment
from local.operating import NotDoneError
from local.redrive import run_redrive
from tests.local.helpers.denying import denying
from tests.local.helpers.queues import Queues

Redrive = Callable[..., str]

TEN = list("0123456789")


@pytest.fixture
def queues(emulator: Emulator, name: str) -> Queues:
    return Queues(emulator, name)


@pytest.fixture
def redrive(emulator: Emulator, name: str, monkeypatch: pytest.MonkeyPatch) -> Redrive:
    """Runs it with the AWS credentials of the shell; what is written to its question; answers what it printed."""
    for variable, value in emulator.environment().items():
        monkeypatch.setenv(variable, value)

    def run(
        queue: str, *, written: str | None = None, rate: int | None = None, output: io.StringIO | None = None
    ) -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO(written))
        output = output or io.StringIO()
        run_redrive(
            Console(file=output, width=200),
            queue=queue,
            environment=name,
            platform=Path("none"),
            rate=rate,
            is_confirmed=written is None,
        )
        return output.getvalue()

    return run


def notification(*keys: str) -> str:
    """Of uploads, as S3 sends it."""
    records = [
        {
            "eventName": "ObjectCreated:Put",
            "eventTime": "2026-11-23T20:09:41.000Z",
            "s3": {"bucket": {"name": "b"}, "object": {"key": key, "versionId": "v", "eTag": "e", "size": 1}},
        }
        for key in keys
    ]
    return json.dumps({"Records": records})


class TestQueue:
    """Whose dead letters SQS moves back."""

    @pytest.mark.parametrize("queue", ["ingest", "events"])
    def test_dead_letters_go_back(self, queues: Queues, redrive: Redrive, queue: str) -> None:
        """As new messages: they have all their attempts before them again."""
        queues.make_pair(queue)
        queues.bury(queue, "a", "b")
        old = {message["MessageId"] for message in queues.messages(f"dlq-{queue}")}
        output = redrive(queue)
        assert output.endswith("Redriven: 2 messages.\n")
        assert queues.texts(f"dlq-{queue}") == []
        redriven = queues.messages(queue)
        assert sorted(message["Body"] for message in redriven) == ["a", "b"]
        assert {message["Attributes"]["ApproximateReceiveCount"] for message in redriven} == {"1"}
        assert [message["MessageAttributes"]["sender"]["StringValue"] for message in redriven] == ["test"] * 2
        assert not old & {message["MessageId"] for message in redriven}
        assert redrive(queue) == f"tap-dlq-{queue}-{queues.suffix} is empty.\n"

    def test_message_that_fails_again_comes_back(self, queues: Queues, redrive: Redrive) -> None:
        queues.make_pair("ingest")
        queues.bury("ingest", "poison")
        redrive("ingest")
        while not queues.texts("dlq-ingest"):
            queues.messages("ingest")
        assert redrive("ingest").endswith("Redriven: 1 message.\n")

    def test_question_says_what_is_known(self, queues: Queues, redrive: Redrive) -> None:
        """Which uploads, whatever their keys hold; since when, and until when. The wrong answer changes nothing."""
        queues.make_pair("ingest")
        texts = (notification("shop/a+b%1B%5B31m.xml", "shop/c.xml"), notification("shop/d.xml"), "no notification")
        queues.bury("ingest", *texts)
        output = redrive("ingest", written="ingest\n")
        dead_letters = f"tap-dlq-ingest-{queues.suffix}"
        line, _, title, heading, *rows = output.splitlines()
        assert line.startswith(f"{dead_letters} holds 3 messages, the oldest of 20")
        assert (title, heading.split()) == ("Dead letters", ["sent", "upload"])
        assert sorted(row.split(maxsplit=2)[2].rstrip() for row in rows[:3]) == [
            "-",
            "shop/a b\N{REPLACEMENT CHARACTER}[31m.xml, shop/c.xml",
            "shop/d.xml",
        ]
        assert output.endswith(
            f"\n\nSQS moves them back to tap-ingest-{queues.suffix}. What fails there again comes back here.\n"
            f"Write {queues.suffix}/ingest to go on: Nothing was moved.\n"
        )
        assert len(queues.texts("dlq-ingest")) == 3
        assert redrive("ingest", written=f"{queues.suffix}/ingest\n").endswith("Redriven: 3 messages.\n")

    def test_only_so_many_are_listed_as_one_reads(self, queues: Queues, redrive: Redrive) -> None:
        queues.make_pair("ingest")
        for number in range(25):
            queues.send("dlq-ingest", notification(f"shop/{number}.xml"))
        output = redrive("ingest", written="no\n")
        assert "holds 25 messages" in output
        assert "The first 20" in output
        assert output.count("shop/") == 20

    def test_move_that_is_under_way_is_followed(self, queues: Queues, redrive: Redrive) -> None:
        """Somebody else's, or that of a process which was killed: SQS takes no second one. Here it is cancelled."""
        queues.make_pair("ingest")
        queues.bury("ingest", *TEN)
        source = queues.make("dlq-ingest")
        task = queues.sqs.start_message_move_task(SourceArn=source, MaxNumberOfMessagesPerSecond=1)
        with ThreadPoolExecutor() as threads:
            output = io.StringIO()
            following = threads.submit(redrive, "ingest", output=output)
            while not output.getvalue():
                assert not following.done()
                time.sleep(0.05)
            queues.sqs.cancel_message_move_task(TaskHandle=task["TaskHandle"])
            with pytest.raises(NotDoneError, match=r"no more \(it was cancelled\): run it again for the rest"):
                following.result()
        assert output.getvalue().startswith(f"SQS is moving the messages of tap-dlq-ingest-{queues.suffix} already.\n")

    def test_ctrl_c_stops_the_move(self, emulator: Emulator, queues: Queues, redrive: Redrive) -> None:
        """What was moved is moved, and all the rest is there for the next time."""
        queues.make_pair("ingest")
        queues.bury("ingest", *TEN)
        process = subprocess.Popen(
            [sys.executable, "-m", "local", "redrive", "ingest", f"--environment={queues.suffix}", "--rate=1", "--yes"],
            cwd=PROJECT,
            env={**clean_environment(), **emulator.environment()},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            while not queues.texts("ingest"):
                assert process.poll() is None
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate()
        finally:
            process.kill()
        assert process.returncode == 130
        assert output.endswith("Interrupted: what was moved is moved; run it again for the rest.\n")
        left = len(queues.texts("dlq-ingest"))
        assert 0 < left < 10
        assert redrive("ingest").endswith(f"Redriven: {left} message{'s' * (left > 1)}.\n")
        assert sorted(queues.texts("ingest")) == TEN

    def test_move_that_fails_says_so(self, queues: Queues, redrive: Redrive) -> None:
        queues.make_pair("ingest")
        queues.bury("ingest", *TEN)
        with ThreadPoolExecutor() as threads:
            moving = threads.submit(redrive, "ingest", rate=1)
            while not queues.texts("ingest"):
                assert not moving.done()
                time.sleep(0.05)
            queues.sqs.delete_queue(QueueUrl=queues.url("ingest"))
            with pytest.raises(NotDoneError, match=r"SQS moved \d messages? and then no more \(AWS.SimpleQueueService"):
                moving.result()

    def test_environment_that_is_not_there(self, redrive: Redrive) -> None:
        with pytest.raises(NotDoneError, match="a queue is not there: check ENVIRONMENT_SUFFIX, "):
            redrive("ingest")

    def test_aws_that_cannot_be_reached(self, redrive: Redrive, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        with pytest.raises(NotDoneError, match="AWS cannot be asked: Could not connect to the endpoint URL"):
            redrive("ingest")


class TestUndelivered:
    """Events that a target of the rule missed."""

    @pytest.fixture
    def queues(self, emulator: Emulator, name: str) -> Queues:
        queues = Queues(emulator, name)
        queues.make_rule()
        return queues

    def test_each_target_gets_what_it_missed(self, queues: Queues, redrive: Redrive) -> None:
        """And nothing twice: not what the other one missed."""
        queues.put_event("both.xml")
        queues.make("events")
        queues.put_event("log.xml")
        queues.make_log_group()
        queues.put_event("none.xml")
        assert len(queues.texts("undelivered-events")) == 3
        output = redrive("undelivered")
        reasons = [line.split() for line in output.splitlines() if ".xml" in line]
        assert sorted((key, target) for _, _, key, target, *_ in reasons) == [
            ("both.xml", queues.log_group),
            ("both.xml", f"tap-events-{queues.suffix}"),
            ("log.xml", queues.log_group),
        ]
        assert output.endswith("Redriven: 3 messages.\n")
        consumed = [json.loads(text) for text in queues.texts("events")]
        logged = queues.logged()
        assert sorted(event["detail"]["key"] for event in consumed) == ["both.xml", "log.xml", "none.xml"]
        assert sorted(event["detail"]["key"] for event in logged) == ["both.xml", "log.xml", "none.xml"]
        [both] = [event for event in consumed if event["detail"]["key"] == "both.xml"]
        assert both in logged
        assert redrive("undelivered") == f"tap-undelivered-events-{queues.suffix} is empty.\n"

    def test_event_stays_until_its_target_has_it(self, queues: Queues, redrive: Redrive) -> None:
        """It is there for the next attempt, at once."""
        queues.make_log_group()
        queues.put_event("a.xml")
        with pytest.raises(NotDoneError, match="a queue is not there"):
            redrive("undelivered")
        assert len(queues.texts("undelivered-events")) == 1
        queues.make("events")
        assert redrive("undelivered", rate=500).endswith("Redriven: 1 message.\n")

    def test_what_is_no_event_stays(self, queues: Queues, redrive: Redrive) -> None:
        """And keeps none of the others from its way."""
        queues.send("undelivered-events", "hello")
        queues.put_event("a.xml")
        queues.make("events")
        queues.make_log_group()
        with pytest.raises(NotDoneError, match=r"^1 in tap-undelivered-ev.* no attribute TARGET_ARN.* \(2 oth"):
            redrive("undelivered")
        assert queues.texts("undelivered-events") == ["hello"]
        assert len(queues.logged()) == 1

    def test_target_of_another_kind_is_named(self, queues: Queues, redrive: Redrive) -> None:
        queues.send("undelivered-events", "{}", TARGET_ARN="arn:aws:lambda:us-east-1:1:function:x")
        with pytest.raises(NotDoneError, match="is for arn:aws:lambda:us-east-1:1:function:x, and only queues and"):
            redrive("undelivered")


class TestPermissions:
    """Of whoever redrives: those that it takes are named."""

    @pytest.mark.parametrize(
        ("queue", "denied", "named"),
        [
            (
                "ingest",
                "StartMessageMoveTask",
                "sqs:StartMessageMoveTask, .* on tap-dlq-ingest-{0}, and sqs:.* on tap-in",
            ),
            ("ingest", "ReceiveMessage", "ReceiveMessage, .* on tap-dlq-ingest-{0}, and sqs:.* on tap-ingest-{0} "),
            (
                "undelivered",
                "SendMessage",
                "on tap-undelivered-events-{0}, sqs:.* and SendMessage on tap-events-{0}, and ",
            ),
            ("undelivered", "PutLogEvents", "logs:CreateLogStream and PutLogEvents on /aws/events/tap-application-e"),
        ],
    )
    def test_one_is_missing(
        self,
        emulator: Emulator,
        queues: Queues,
        redrive: Redrive,
        queue: str,
        denied: str,
        named: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        queues.make_pair("ingest")
        queues.make_rule()
        queues.bury("ingest", "a")
        queues.put_event("a.xml")
        queues.make("events")
        queues.make_log_group()
        with denying(emulator, [denied]) as url:
            monkeypatch.setenv("AWS_ENDPOINT_URL", url)
            sentence = f"your AWS credentials need .*{named.format(queues.suffix)}.*no {denied}"
            with pytest.raises(NotDoneError, match=sentence):
                redrive(queue)
