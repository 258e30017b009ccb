"""The function that processes uploads."""

from cdktf_cdktf_provider_aws.lambda_function import LambdaFunction

from constructs import Construct
from constructs.python_function import PythonFunction
from constructs.queue_event_source import QueueEventSource
from stacks.account_lookup import AccountLookup, account_key_arn
from stacks.base import EnvironmentStack
from stacks.event_bridge_stack import EventBridgeStack
from stacks.function_package import FunctionPackage
from stacks.iam_stack import IamStack
from stacks.names import function_log_group_name, function_name
from stacks.parameter_stack import ParameterStack
from stacks.s3_stack import S3Stack
from stacks.settings import EnvironmentSettings, Settings
from stacks.vpc_stack import VpcStack


class LambdaStack(EnvironmentStack):
    """Code object, function, log group, and the event source mapping of the ingest queue."""

    lambda_function: LambdaFunction

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
    ) -> None:
        super().__init__(scope, "lambda", environment=environment, state_bucket=settings.state_bucket)
        account = AccountLookup(self, "Account", vpc_id=vpc.vpc.id, account=settings.account)
        name = function_name(environment.suffix)
        function = PythonFunction(
            self,
            "Function",
            name=name,
            description="Records uploaded test reports in PostgreSQL and announces them",
            package=package.path,
            handler="handler.lambda_function.lambda_handler",
            runtime=package.runtime,
            architecture=package.architecture,
            role_arn=iam.lambda_role.arn,
            artifact_bucket=s3.artifact_bucket.bucket,
            log_group_name=function_log_group_name(name),
            log_retention=environment.log_retention,
            kms_key_arn=account_key_arn(self),
            memory=environment.function_memory,
            timeout=environment.function_timeout,
            environment={
                "ENVIRONMENT": environment.suffix,
                "DB_ENDPOINT_PARAM": parameter.db_endpoint_param.name,
                "DB_USERNAME_PARAM": parameter.db_username_param.name,
                "DB_PASSWORD_PARAM": parameter.db_password_param.name,
                "DB_NAME_PARAM": parameter.db_name_param.name,
                "EVENT_BUS_NAME": event_bridge.custom_event_bus.name,
                "EVENT_SOURCE": event_bridge.event_source,
                # The default VPC has no way out: the SDKs take these for the endpoints inside it.
                "AWS_ENDPOINT_URL_SSM": settings.emulator_url or account.ssm_url,
                "AWS_ENDPOINT_URL_EVENTBRIDGE": settings.emulator_url or account.events_url,
            },
            subnet_ids=vpc.function_subnet_ids,
            security_group_ids=[vpc.function_security_group.group.id, account.client_security_group_id],
            # The account's, which outlives the environment.
            replacement_security_group_id=account.client_security_group_id,
        )
        self.lambda_function = function.function
        QueueEventSource(
            self,
            "Ingest",
            queue=s3.ingest_queue,
            function=function,
            maximum_concurrency=environment.function_concurrency,
        )
