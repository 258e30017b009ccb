"""What users of an environment need to know of it, in one place."""

from cdktf import TerraformOutput

from constructs import Construct
from stacks.base import EnvironmentStack
from stacks.event_bridge_stack import EventBridgeStack
from stacks.iam_stack import IamStack
from stacks.lambda_stack import LambdaStack
from stacks.monitoring_stack import MonitoringStack
from stacks.parameter_stack import ParameterStack
from stacks.rds_stack import RdsStack
from stacks.results_stack import ResultsStack
from stacks.s3_stack import S3Stack
from stacks.schema_stack import SchemaStack
from stacks.settings import EnvironmentSettings
from stacks.vpc_stack import VpcStack


class OutputsStack(EnvironmentStack):
    """No resources but its guard: reads the other stacks' remote state, declares the outputs. None is a secret."""

    def __init__(
        self,
        scope: Construct,
        *,
        environment: EnvironmentSettings,
        state_bucket: str | None,
        s3: S3Stack,
        vpc: VpcStack,
        rds: RdsStack,
        event_bridge: EventBridgeStack,
        parameter: ParameterStack,
        iam: IamStack,
        schema: SchemaStack,
        function: LambdaStack,
        results: ResultsStack,
        monitoring: MonitoringStack,
    ) -> None:
        super().__init__(scope, "outputs", environment=environment, state_bucket=state_bucket)
        outputs: dict[str, str | dict[str, str]] = {
            "bucket_name": s3.bucket.bucket,
            "ingest_queue_url": s3.ingest_queue.queue.url,
            "ingest_dead_letter_queue_url": s3.ingest_queue.dead_letter_queue.url,
            "vpc_id": vpc.vpc.id,
            "db_endpoint": rds.db_instance.endpoint,
            "db_instance_id": rds.db_instance.identifier,
            "event_bus_arn": event_bridge.custom_event_bus_arn,
            "event_bus_name": event_bridge.custom_event_bus.name,
            "events_queue_url": event_bridge.consumer_queue.queue.url,
            "monitoring_log_group_name": event_bridge.monitoring_log_group.name,
            "parameter_store_prefix": parameter.prefix,
            "schema_function_name": schema.schema_function.function_name,
            "lambda_function_arn": function.lambda_function.arn,
            "lambda_function_name": function.lambda_function.function_name,
            "results_url": results.results_url,
            "results_function_name": results.results_function.function_name,
            "results_reader_policy_arn": results.reader_policy.arn,
            "alarm_topic_arn": monitoring.alarm_topic.arn,
            "dashboard_name": monitoring.dashboard_name,
        }
        if event_bridge.notifications:
            outputs["notifications_topic_arn"] = event_bridge.notifications.arn
        if iam.upload_roles:
            outputs["upload_role_arns"] = {name: role.arn for name, role in iam.upload_roles.items()}
        for name, value in outputs.items():
            TerraformOutput(self, name, value=value)
