"""The function that shows what is recorded, and its URL."""

from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.iam_policy import IamPolicy
from cdktf_cdktf_provider_aws.lambda_function import LambdaFunction

from constructs import Construct
from constructs.alarm import Alarm
from constructs.function_url import FunctionUrl
from stacks.function_package import FunctionPackage
from stacks.function_stack import FunctionStack
from stacks.iam_stack import IamStack
from stacks.names import MaxLength, resource_name
from stacks.parameter_stack import ParameterStack
from stacks.s3_stack import S3Stack
from stacks.schema_stack import SchemaStack
from stacks.settings import EnvironmentSettings, Settings
from stacks.vpc_stack import VpcStack

# MiB. To make a page is work for the processor, of which Lambda gives a share by the memory: with half as much it takes
# twice as long and costs the same.
_MEMORY = 1024
_TIMEOUT = 25  # seconds: connecting 5, the version of the schema 5, a page 10; `make open` waits for 30


class ResultsStack(FunctionStack):
    """The results function, which has the reader's login, and its URL with the policy of those who may open it.

    Its concurrency is not reserved: an account may have ten in all. What comes when the reader has no connection left
    is answered with 503.
    """

    results_function: LambdaFunction
    log_group: CloudwatchLogGroup
    results_url: str
    reader_policy: IamPolicy
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
        parameter: ParameterStack,
        iam: IamStack,
        schema: SchemaStack,
    ) -> None:
        super().__init__(
            scope,
            "results",
            environment=environment,
            settings=settings,
            package=package,
            s3=s3,
            vpc=vpc,
            parameter=parameter,
        )
        function = self._add_function(
            description="Shows the recorded results to whoever may open its URL",
            handler="handler.results_function.lambda_handler",
            role_arn=iam.results_role.arn,
            memory=_MEMORY,
            timeout=_TIMEOUT,
            environment={
                # The reader's. It is SchemaStack's, so that the schema is there before this function.
                "DB_PASSWORD_PARAM": schema.reader_password_param.name,
                "RESULTS_ADDRESS": environment.results_address,
            },
        )
        url = FunctionUrl(
            self,
            "Url",
            function=function,
            reader_policy_name=resource_name("results-reader", environment.suffix, MaxLength.POLICY),
        )
        self.results_function = function.function
        self.log_group = function.log_group
        self.results_url = url.url.function_url
        self.reader_policy = url.reader_policy
        self.alarms = (*function.alarms("results"), *url.alarms("results"))
