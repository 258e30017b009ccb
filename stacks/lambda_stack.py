"""The function that processes uploads."""

from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.lambda_function import LambdaFunction

from constructs import Construct
from constructs.alarm import HOUR, Alarm
from constructs.queue_event_source import QueueEventSource
from handler.metric_names import MetricName
from stacks.event_bridge_stack import EventBridgeStack
from stacks.function_package import FunctionPackage
from stacks.function_stack import FunctionStack
from stacks.iam_stack import IamStack
from stacks.own_metrics import own_metric
from stacks.parameter_stack import ParameterStack
from stacks.s3_stack import S3Stack
from stacks.schema_stack import SchemaStack
from stacks.settings import EnvironmentSettings, Settings
from stacks.vpc_stack import VpcStack


class LambdaStack(FunctionStack):
    """Code object, function, log group, and the event source mapping of the ingest queue."""

    lambda_function: LambdaFunction
    log_group: CloudwatchLogGroup
    alarms: tuple[Alarm, ...]

    def __init__(
        self,
        scope: Construct,
        *,
        environment: EnvironmentSettings,
        settings: Settings,
        package: FunctionPackage,
        s3: S3Stack,
        vpc: VpcStack,
        event_bridge: EventBridgeStack,
        parameter: ParameterStack,
        iam: IamStack,
        schema: SchemaStack,
    ) -> None:
        super().__init__(
            scope,
            "lambda",
            environment=environment,
            settings=settings,
            package=package,
            s3=s3,
            vpc=vpc,
            parameter=parameter,
        )
        # The function does not work with an older schema than its own.
        self.add_dependency(schema)
        function = self._add_function(
            description="Records uploaded test reports in PostgreSQL and announces them",
            handler="handler.ingest_function.lambda_handler",
            role_arn=iam.lambda_role.arn,
            memory=environment.function_memory,
            timeout=environment.function_timeout,
            environment={
                **self._owner(),
                "EVENT_BUS_NAME": event_bridge.custom_event_bus.name,
                "EVENT_SOURCE": event_bridge.event_source,
                "OUTCOME_RETENTION": str(environment.outcome_retention),
                "RESULTS_ADDRESS": environment.results_address,
                "ANNOUNCE_TEST_NAMES": str(environment.announce_test_names).lower(),
                "AWS_ENDPOINT_URL_EVENTBRIDGE": self._endpoint_url("events"),
            },
        )
        self.lambda_function = function.function
        self.log_group = function.log_group
        event_source = QueueEventSource(
            self,
            "Ingest",
            queue=s3.ingest_queue,
            function=function,
            maximum_concurrency=environment.function_concurrency,
        )
        given_back = own_metric(MetricName.GIVEN_BACK_MESSAGES, "Sum", suffix=environment.suffix)
        self.alarms = (
            *function.alarms("ingest"),
            event_source.alarm("ingest", given_back=given_back),
            Alarm(
                name="ingest-faults",
                meaning="Many uploads of the last hour cannot be read.",
                metric=own_metric(MetricName.FAULTS, "Sum", suffix=environment.suffix),
                threshold=environment.faults_per_hour,
                unit="uploads",
                period=HOUR,
                missing_data="notBreaching",
            ),
            Alarm(
                name="ingest-invalid-messages",
                meaning="Somebody other than S3 sends to the ingest queue: a message was set aside.",
                metric=own_metric(MetricName.INVALID_MESSAGES, "Sum", suffix=environment.suffix),
                threshold=1,
                unit="messages",
                missing_data="notBreaching",
            ),
        )
