"""What the dashboard of an environment shows: is it working, how fast is it, what fails."""

from collections.abc import Sequence

from constructs.dashboard import Graph, Line, Section
from constructs.metrics import (
    DatabaseMetric,
    FunctionMetric,
    Statistic,
    database_metric,
    function_metric,
    queue_metric,
    rule_metric,
)
from handler.metric_names import MetricName
from stacks.event_bridge_stack import EventBridgeStack
from stacks.lambda_stack import LambdaStack
from stacks.own_metrics import own_metric
from stacks.rds_stack import RdsStack
from stacks.results_stack import ResultsStack
from stacks.s3_stack import S3Stack
from stacks.schema_stack import SchemaStack


def overview(
    *,
    suffix: str,
    s3: S3Stack,
    rds: RdsStack,
    event_bridge: EventBridgeStack,
    schema: SchemaStack,
    function: LambdaStack,
    results: ResultsStack,
) -> Sequence[Section]:
    """The sections, with the question that comes first on top."""
    ingest_queue, events_queue = s3.ingest_queue.queue, event_bridge.consumer_queue.queue
    rule, bus, database = event_bridge.s3_processing_rule, event_bridge.custom_event_bus, rds.db_instance
    functions = {
        "ingest": function.lambda_function,
        "schema": schema.schema_function,
        "results": results.results_function,
    }
    dead_letters = {
        "ingest": s3.ingest_queue.dead_letter_queue,
        "events": event_bridge.consumer_queue.dead_letter_queue,
        "undelivered events": event_bridge.undelivered_queue,
    }

    def of_functions(name: FunctionMetric, statistic: Statistic) -> Sequence[Line]:
        return [Line(label, function_metric(it, name, statistic)) for label, it in functions.items()]

    def of_database(label: str, name: DatabaseMetric, statistic: Statistic) -> Line:
        return Line(label, database_metric(database, name, statistic))

    def own(label: str, name: MetricName, statistic: Statistic = "Sum") -> Line:
        return Line(label, own_metric(name, statistic, suffix=suffix))

    return (
        Section(
            "Is it working?",
            (
                Graph("Uploads", (own("reports", MetricName.REPORTS), own("not readable", MetricName.FAULTS))),
                Graph(
                    "Messages of the ingest queue",
                    (
                        Line("waiting", queue_metric(ingest_queue, "ApproximateNumberOfMessagesVisible", "Maximum")),
                        Line(
                            "processed, or failed and to come again",
                            queue_metric(ingest_queue, "ApproximateNumberOfMessagesNotVisible", "Maximum"),
                        ),
                    ),
                ),
                Graph(
                    "Events",
                    (
                        Line("matched", rule_metric(rule, "MatchedEvents", "Sum", bus=bus)),
                        Line("delivered to a target, or failed", rule_metric(rule, "Invocations", "Sum", bus=bus)),
                    ),
                ),
                Graph(
                    "Requests for results",
                    (Line("requests", function_metric(functions["results"], "UrlRequestCount", "Sum")),),
                ),
                Graph("Invocations", of_functions("Invocations", "Sum")),
                Graph(
                    "Upkeep",
                    (
                        own("complete", MetricName.UPKEEP_COMPLETE, "Maximum"),
                        own("uploads removed", MetricName.REMOVED_UPLOADS),
                        own("runs whose texts were removed", MetricName.REMOVED_TEXTS),
                        own("tests removed", MetricName.REMOVED_TESTS),
                    ),
                ),
            ),
        ),
        Section(
            "How fast is it?",
            (
                Graph(
                    "Age of the oldest message, seconds",
                    (
                        Line("ingest", queue_metric(ingest_queue, "ApproximateAgeOfOldestMessage", "Maximum")),
                        Line("events", queue_metric(events_queue, "ApproximateAgeOfOldestMessage", "Maximum")),
                    ),
                ),
                Graph(
                    "An upload, milliseconds",
                    (own("average", MetricName.DURATION, "Average"), own("p99", MetricName.DURATION, "p99")),
                ),
                Graph(
                    "An answer of the results' URL, milliseconds",
                    (
                        Line("average", function_metric(functions["results"], "UrlRequestLatency", "Average")),
                        Line("longest", function_metric(functions["results"], "UrlRequestLatency", "Maximum")),
                    ),
                ),
                Graph("An invocation, p99 in milliseconds", of_functions("Duration", "p99")),
                Graph("Functions at once", of_functions("ConcurrentExecutions", "Maximum")),
                Graph("Test cases", (own("cases", MetricName.CASES),)),
            ),
        ),
        Section(
            "What fails?",
            (
                Graph(
                    "Dead letters",
                    [
                        Line(name, queue_metric(queue, "ApproximateNumberOfMessagesVisible", "Maximum"))
                        for name, queue in dead_letters.items()
                    ],
                ),
                Graph(
                    "Messages of the ingest queue",
                    (
                        own("given back", MetricName.GIVEN_BACK_MESSAGES),
                        own("set aside", MetricName.INVALID_MESSAGES),
                    ),
                ),
                Graph(
                    "Errors",
                    (
                        *of_functions("Errors", "Sum"),
                        Line("5xx of the results' URL", function_metric(functions["results"], "Url5xxCount", "Sum")),
                    ),
                ),
                Graph("Throttles", of_functions("Throttles", "Sum")),
                Graph(
                    "Given up by EventBridge",
                    (
                        Line("deliveries", rule_metric(rule, "FailedInvocations", "Sum", bus=bus)),
                        Line("dead letters", rule_metric(rule, "InvocationsFailedToBeSentToDlq", "Sum", bus=bus)),
                        Line("upkeep", rule_metric(schema.upkeep_rule, "FailedInvocations", "Sum")),
                    ),
                ),
            ),
        ),
        Section(
            "The database",
            (
                Graph("Processor, percent", (of_database("average", "CPUUtilization", "Average"),)),
                Graph("Connections", (of_database("most", "DatabaseConnections", "Maximum"),)),
                Graph("Free storage, bytes", (of_database("least", "FreeStorageSpace", "Minimum"),)),
                Graph(
                    "CPU credits, of burstable classes",
                    (of_database("balance", "CPUCreditBalance", "Average"),),
                ),
                Graph(
                    "Disk, seconds",
                    (
                        of_database("read", "ReadLatency", "Average"),
                        of_database("write", "WriteLatency", "Average"),
                    ),
                ),
            ),
        ),
    )
