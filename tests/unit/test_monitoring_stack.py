"""Whatever can go wrong tells people, by an alarm that AWS evaluates and the runbook explains."""

import json
import re
from typing import Any

import pytest

from handler.metric_names import MetricName
from stacks.saved_queries import SAVED_QUERIES
from tests.synthesis import ROOT
from tests.unit.synthesized import Block, Platform, Stack, tls_only

PRESETS = ("dev", "staging", "prod")
TOPIC = "${aws_sns_topic[tap-alarms-dev].arn}"
TOPIC_ARN = "arn:{partition}:sns:{region}:{account}:tap-alarms-dev"

# What AWS publishes, and with which dimensions: the pages are named in constructs/metrics.py.
DIMENSIONS = {
    "AWS/SQS": {"QueueName"},
    "AWS/Lambda": {"FunctionName"},
    "AWS/RDS": {"DBInstanceIdentifier"},
    "TAP": {"environment", "service"},
}


@pytest.fixture
def monitoring(platform: Platform) -> Stack:
    return platform["tap-monitoring-dev"]


def alarms(platform: Platform, suffix: str = "dev") -> dict[str, Block]:
    """By their names without what they have in common."""
    blocks = platform[f"tap-monitoring-{suffix}"].resources("aws_cloudwatch_metric_alarm")
    return {block["alarm_name"].removeprefix("tap-").removesuffix(f"-{suffix}"): block for block in blocks}


def every_alarm(platform: Platform) -> list[Block]:
    return [alarm for suffix in PRESETS for alarm in alarms(platform, suffix).values()]


def evaluation(alarm: Block) -> str:
    """When it is raised, in words."""
    statistic = alarm.get("statistic") or alarm["extended_statistic"]
    sign = {"GreaterThanOrEqualToThreshold": ">=", "LessThanThreshold": "<"}[alarm["comparison_operator"]]
    of_periods = f"{alarm['datapoints_to_alarm']}/{alarm['evaluation_periods']} x {alarm['period']}"
    return (
        f"{alarm['namespace']} {alarm['metric_name']} {statistic} {sign} {alarm['threshold']:.10g}"
        f" {of_periods} {alarm['treat_missing_data']}"
    )


# Of `dev`.
EVALUATIONS = {
    "ingest-dead-letters": "AWS/SQS ApproximateNumberOfMessagesVisible Maximum >= 1 1/1 x 300 ignore",
    "ingest-queue-age": "AWS/SQS ApproximateAgeOfOldestMessage Maximum >= 2160 1/1 x 300 ignore",
    "ingest-given-back": "TAP GivenBackMessages Sum >= 1 3/7 x 300 notBreaching",
    "ingest-faults": "TAP Faults Sum >= 10 1/1 x 3600 notBreaching",
    "ingest-invalid-messages": "TAP InvalidMessages Sum >= 1 1/1 x 300 notBreaching",
    "ingest-errors": "AWS/Lambda Errors Sum >= 1 1/1 x 300 notBreaching",
    "ingest-throttles": "AWS/Lambda Throttles Sum >= 1 3/3 x 300 notBreaching",
    "ingest-duration": "AWS/Lambda Duration p99 >= 108000 1/1 x 300 notBreaching",
    "events-dead-letters": "AWS/SQS ApproximateNumberOfMessagesVisible Maximum >= 1 1/1 x 300 ignore",
    "undelivered-events": "AWS/SQS ApproximateNumberOfMessagesVisible Maximum >= 1 1/1 x 300 ignore",
    "lost-events": "AWS/Events InvocationsFailedToBeSentToDlq Sum >= 1 1/1 x 300 notBreaching",
    "results-unanswered": "AWS/Lambda Url5xxCount Sum >= 5 1/1 x 300 notBreaching",
    "results-latency": "AWS/Lambda UrlRequestLatency Average >= 3000 3/3 x 300 notBreaching",
    "results-errors": "AWS/Lambda Errors Sum >= 1 1/1 x 300 notBreaching",
    "results-throttles": "AWS/Lambda Throttles Sum >= 1 3/3 x 300 notBreaching",
    "results-duration": "AWS/Lambda Duration p99 >= 22500 1/1 x 300 notBreaching",
    "schema-errors": "AWS/Lambda Errors Sum >= 1 1/1 x 300 notBreaching",
    "schema-throttles": "AWS/Lambda Throttles Sum >= 1 3/3 x 300 notBreaching",
    "schema-duration": "AWS/Lambda Duration p99 >= 810000 1/1 x 300 notBreaching",
    "upkeep-refused": "AWS/Events FailedInvocations Sum >= 1 1/1 x 300 notBreaching",
    # A new environment has been invoked by its deploy.
    "upkeep-missed": "AWS/Lambda Invocations Sum < 1 2/2 x 86400 breaching",
    "upkeep-incomplete": "TAP UpkeepComplete Maximum < 1 3/3 x 86400 ignore",
    # A twentieth of 20 GiB.
    "database-storage": "AWS/RDS FreeStorageSpace Minimum < 1073741824 2/2 x 300 ignore",
    "database-cpu": "AWS/RDS CPUUtilization Average >= 90 6/6 x 300 ignore",
    "database-connections": "AWS/RDS DatabaseConnections Maximum >= 67 2/2 x 300 ignore",
    "database-credits": "AWS/RDS CPUCreditBalance Maximum < 1 6/6 x 3600 ignore",
}


def test_holds_the_topic_alarms_a_dashboard_and_queries(monitoring: Stack) -> None:
    """Nothing else, and no subscription that nobody asked for."""
    assert monitoring.inventory == {
        "aws_cloudwatch_dashboard": 1,
        "aws_cloudwatch_metric_alarm": len(EVALUATIONS),
        "aws_cloudwatch_query_definition": len(SAVED_QUERIES),
        "aws_sns_topic": 1,
        "terraform_data": 1,
    }


class TestAlarms:
    def test_evaluations(self, platform: Platform) -> None:
        """Every alarm, and when it is raised."""
        assert {name: evaluation(alarm) for name, alarm in alarms(platform).items()} == EVALUATIONS

    def test_thresholds_of_production(self, platform: Platform) -> None:
        """They follow what the preset sets: class, storage, consumers, and how much is uploaded."""
        differing = {
            name: evaluation(alarm)
            for name, alarm in alarms(platform, "prod").items()
            if evaluation(alarm) != EVALUATIONS.get(name)
        }
        assert differing == {
            "ingest-faults": "TAP Faults Sum >= 50 1/1 x 3600 notBreaching",
            "database-storage": "AWS/RDS FreeStorageSpace Minimum < 5368709120 2/2 x 300 ignore",
            "database-connections": "AWS/RDS DatabaseConnections Maximum >= 270 2/2 x 300 ignore",
            # Eleven days: three before SQS removes the event.
            "events-queue-age": "AWS/SQS ApproximateAgeOfOldestMessage Maximum >= 950400 1/1 x 300 ignore",
        }

    def test_a_class_without_credits_has_no_alarm_of_them(self, changed: Platform) -> None:
        """AWS publishes no such metric of it, and the alarm would never be evaluated."""
        missing = EVALUATIONS.keys() - alarms(changed, "pr42").keys()
        assert missing == {"database-credits"}

    def test_every_one_tells_the_topic_when_it_is_raised_and_when_it_is_over(self, platform: Platform) -> None:
        """Else somebody would get up at night for what has passed."""
        for suffix in PRESETS:
            topic = [f"${{aws_sns_topic[tap-alarms-{suffix}].arn}}"]
            for alarm in alarms(platform, suffix).values():
                assert (alarm["alarm_actions"], alarm["ok_actions"]) == (topic, topic), alarm["alarm_name"]

    def test_every_metric_is_published_with_these_dimensions(self, platform: Platform) -> None:
        """CloudWatch takes an alarm on a metric that does not exist, and never evaluates it."""
        for alarm in every_alarm(platform):
            custom_bus = {"EventBusName"} if "s3-processing" in str(alarm["dimensions"]) else set()
            expected = DIMENSIONS.get(alarm["namespace"], {"RuleName"} | custom_bus)
            assert alarm["dimensions"].keys() == expected, alarm["alarm_name"]
            assert all(alarm["dimensions"].values()), alarm["alarm_name"]

    def test_every_metric_of_our_own_is_the_environments(self, platform: Platform) -> None:
        """As the functions write them."""
        for suffix in PRESETS:
            own = [alarm for alarm in alarms(platform, suffix).values() if alarm["namespace"] == "TAP"]
            assert own
            for alarm in own:
                assert alarm["metric_name"] in {name.value for name in MetricName}
                assert alarm["dimensions"] == {"environment": suffix, "service": "tap"}

    def test_every_one_says_what_it_means(self, platform: Platform) -> None:
        """In a sentence, and where to read on. CloudWatch takes 1,024 characters."""
        for alarm in every_alarm(platform):
            sentences = r"[A-Z][^.]+\. Raised at (>=|<) [\d,]+ [\w ]+\. What to do: docs/runbook\.md"
            assert re.fullmatch(sentences, alarm["alarm_description"])
            assert len(alarm["alarm_description"]) <= 1024

    def test_every_queue_is_watched(self, platform: Platform) -> None:
        """By how much lies in it, or for how long; the consumer queue where somebody takes from it."""
        for suffix, unwatched in (("dev", {"tap-events-dev"}), ("prod", set())):
            queues = {
                queue["name"]
                for service in ("s3", "eventbridge")
                for queue in platform[f"tap-{service}-{suffix}"].resources("aws_sqs_queue")
            }
            names = [str(alarm["dimensions"].get("QueueName")) for alarm in alarms(platform, suffix).values()]
            watched = {queue for queue in queues if f"${{aws_sqs_queue[{queue}].name}}" in names}
            assert queues - watched == unwatched

    def test_every_function_is_watched(self, platform: Platform) -> None:
        """For errors, throttles and durations near its timeout."""
        functions = [
            function["function_name"]
            for stack in platform.values()
            for function in stack.resources("aws_lambda_function")
            if function["function_name"].endswith("-dev")
        ]
        assert len(functions) == 3
        for name in functions:
            dimensions = {"FunctionName": f"${{aws_lambda_function[{name}].function_name}}"}
            metrics = {it["metric_name"] for it in alarms(platform).values() if it["dimensions"] == dimensions}
            assert metrics >= {"Errors", "Throttles", "Duration"}

    def test_no_name_begins_as_another_does(self, platform: Platform) -> None:
        """`tap-ingest-errors-x-dev` would be the alarm `ingest-errors` of an environment `x-dev`."""
        names = alarms(platform, "prod").keys()
        assert not [(one, other) for one in names for other in names if other.startswith(f"{one}-")]


class TestRunbook:
    RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()

    def test_every_alarm_has_an_entry_and_every_entry_an_alarm(self, platform: Platform, changed: Platform) -> None:
        """An entry is a heading of the third level."""
        entries = re.findall(r"^### (.+)$", self.RUNBOOK, re.MULTILINE)
        names = {name for suffix in PRESETS for name in alarms(platform, suffix)} | alarms(changed, "pr42").keys()
        assert sorted(entries) == sorted(names)

    def test_every_entry_says_what_it_means_where_to_look_and_what_to_do(self) -> None:
        """In this order."""
        for entry in re.split(r"^### ", self.RUNBOOK, flags=re.MULTILINE)[1:]:
            name, *_ = entry.splitlines()
            assert re.findall(r"^\*\*(\w+)\*\*: ", entry, re.MULTILINE) == ["Means", "Look", "Do"], name

    def test_every_query_that_it_names_is_saved(self) -> None:
        """And every saved one helps with something."""
        named = re.findall(r"`([a-z-]+)`", " ".join(re.findall(r"saved query (.+)", self.RUNBOOK, re.IGNORECASE)))
        assert {query.name for query in SAVED_QUERIES} <= set(named)
        assert set(re.findall(r"[Ss]aved query `([a-z-]+)`", self.RUNBOOK)) <= {query.name for query in SAVED_QUERIES}

    def test_what_it_costs_is_what_is_said(self, platform: Platform) -> None:
        """Of `prod`, which has the most."""
        count = len(alarms(platform, "prod"))
        assert f"{count} alarms at 0.10 are {count / 10:.2f}" in (ROOT / "docs" / "operating.md").read_text()


class TestTopic:
    def test_is_encrypted_under_the_accounts_key(self, monitoring: Stack) -> None:
        """Under `alias/aws/sns` CloudWatch could publish nothing, silently."""
        topic = monitoring.resource("aws_sns_topic")
        assert topic["name"] == "tap-alarms-dev"
        assert topic["kms_master_key_id"] == "${data.aws_kms_alias[alias/tap-account].target_key_arn}"

    def test_takes_alarms_of_the_environment_alone(self, monitoring: Stack) -> None:
        """Over TLS, and from no other account."""
        assert monitoring.resource("aws_sns_topic")["policy"] == [
            tls_only("sns:Publish", TOPIC_ARN),
            {
                "Effect": "Allow",
                "Principal": {"Service": ["cloudwatch.amazonaws.com"]},
                "Action": ["sns:Publish"],
                "Resource": [TOPIC_ARN],
                "Condition": {
                    "ArnLike": {"aws:SourceArn": ["arn:{partition}:cloudwatch:{region}:{account}:alarm:tap-*-dev"]},
                    "StringEquals": {"aws:SourceAccount": ["{account}"]},
                },
            },
        ]

    @pytest.mark.parametrize("suffix", [*PRESETS, "twenty-characters-20"])
    def test_the_accounts_key_covers_it(self, platform: Platform, suffix: str) -> None:
        """It is for topics and alarms under `tap-*`."""
        stack = platform[f"tap-monitoring-{suffix}"]
        names = [block["name"] for block in stack.resources("aws_sns_topic")]
        names += [block["alarm_name"] for block in stack.resources("aws_cloudwatch_metric_alarm")]
        assert all(name.startswith("tap-") for name in names)

    def test_whom_the_settings_name_gets_mails(self, changed: Platform) -> None:
        """SNS asks them first."""
        assert changed["tap-monitoring-pr42"].resource("aws_sns_topic_subscription") == {
            "topic_arn": "${aws_sns_topic[tap-alarms-pr42].arn}",
            "protocol": "email",
            "endpoint": "team@example.com",
        }


class TestDashboard:
    @pytest.fixture
    def widgets(self, monitoring: Stack) -> list[Block]:
        body = json.loads(monitoring.resource("aws_cloudwatch_dashboard")["dashboard_body"])
        found: list[Block] = body["widgets"]
        return found

    def test_shows_the_state_of_every_alarm(self, platform: Platform, widgets: list[Block]) -> None:
        """A widget of alarms takes a hundred."""
        [widget] = [it for it in widgets if it["type"] == "alarm"]
        assert set(widget["properties"]["alarms"]) == {
            f"${{aws_cloudwatch_metric_alarm[tap-{name}-dev].arn}}" for name in alarms(platform)
        }
        assert len(widget["properties"]["alarms"]) <= 100

    def test_shows_every_metric_that_an_alarm_watches(self, platform: Platform, widgets: list[Block]) -> None:
        """Whoever gets a mail sees how it came to that."""
        shown = {_key(*metric) for it in widgets for metric in it["properties"].get("metrics", [])}
        watched = {
            (alarm["namespace"], alarm["metric_name"], frozenset(alarm["dimensions"].items()))
            for alarm in alarms(platform).values()
        }
        assert watched <= shown

    def test_answers_three_questions_from_top_to_bottom(self, widgets: list[Block]) -> None:
        """Is it working comes first."""
        headings = [it["properties"]["markdown"] for it in widgets if it["type"] == "text"]
        assert headings == ["## Is it working?", "## How fast is it?", "## What fails?", "## The database"]

    def test_no_widget_covers_another(self, widgets: list[Block]) -> None:
        """On CloudWatch's grid of 24 columns."""
        cells = [
            (x, y)
            for it in widgets
            for x in range(it["x"], it["x"] + it["width"])
            for y in range(it["y"], it["y"] + it["height"])
        ]
        assert len(cells) == len(set(cells))
        assert max(x for x, _ in cells) < 24

    def test_every_graph_is_of_the_region(self, widgets: list[Block]) -> None:
        """Without it CloudWatch refuses the dashboard."""
        assert {it["properties"]["region"] for it in widgets if it["type"] == "metric"} == {"{region}"}


def _key(namespace: str, name: str, *rest: Any) -> tuple[str, str, frozenset[tuple[str, str]]]:
    dimensions = rest[:-1]
    return namespace, name, frozenset(zip(dimensions[::2], dimensions[1::2], strict=True))


class TestSavedQueries:
    def test_names_and_log_groups(self, monitoring: Stack) -> None:
        """In a folder of the environment, over the logs of its functions."""
        groups = {
            name: f"${{aws_cloudwatch_log_group[/aws/lambda/tap-{function}-dev].name}}"
            for name, function in (("ingest", "lambda"), ("schema", "schema"), ("results", "results"))
        }
        saved = {
            query["name"]: query["log_group_names"] for query in monitoring.resources("aws_cloudwatch_query_definition")
        }
        assert saved == {
            f"tap-queries-dev/{query.name}": [groups[function] for function in query.functions]
            for query in SAVED_QUERIES
        }
