"""The function that keeps the database's schema, and the login of those who may only read."""

import json

from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.lambda_function import LambdaFunction
from cdktf_cdktf_provider_aws.lambda_invocation import LambdaInvocation
from cdktf_cdktf_provider_aws.ssm_parameter import SsmParameter

from constructs import Construct
from constructs.alarm import DAY, Alarm
from constructs.daily_schedule import DailySchedule
from constructs.database_credential import DatabaseCredential
from handler.metric_names import MetricName
from stacks.function_package import FunctionPackage
from stacks.function_stack import FunctionStack
from stacks.iam_stack import IamStack
from stacks.names import MaxLength, database_parameter_name, resource_name, upload_role_name
from stacks.own_metrics import own_metric
from stacks.parameter_stack import ParameterStack
from stacks.rds_stack import RdsStack
from stacks.s3_stack import S3Stack
from stacks.settings import EnvironmentSettings, Settings
from stacks.vpc_stack import VpcStack

_TIMEOUT = 900  # seconds, the most that Lambda gives: a migration may rewrite a large table
_MEMORY = 256  # MiB; the database does the work


class SchemaStack(FunctionStack):
    """The schema function, which every deploy invokes that changes the package, the passwords or the database.

    A schedule invokes it every day for the upkeep. If it fails in a deploy, so does the deploy, and what comes after
    this stack stays as it is. The password of the reader is made here, just before the function gives it to the login.
    """

    schema_function: LambdaFunction
    upkeep_rule: CloudwatchEventRule
    log_group: CloudwatchLogGroup
    reader_password_param: SsmParameter
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
        rds: RdsStack,
        parameter: ParameterStack,
        iam: IamStack,
    ) -> None:
        super().__init__(
            scope,
            "schema",
            environment=environment,
            settings=settings,
            package=package,
            s3=s3,
            vpc=vpc,
            parameter=parameter,
        )
        self.reader_password_param = DatabaseCredential(
            self,
            "Reader",
            parameter_name=database_parameter_name(environment.suffix, "reader-password"),
            description="Password of the login that may only read",
            version=environment.password_version,
        ).parameter
        function = self._add_function(
            description="Keeps the schema of the database, the login of the reader, and no more than the retention",
            handler="handler.schema_function.lambda_handler",
            role_arn=iam.schema_role.arn,
            memory=_MEMORY,
            timeout=_TIMEOUT,
            environment={
                **self._owner(),
                "DB_READER_PASSWORD_PARAM": self.reader_password_param.name,
                "TEXT_RETENTION": str(environment.text_retention),
                "OUTCOME_RETENTION": str(environment.outcome_retention),
            },
        )
        self.schema_function = function.function
        self.log_group = function.log_group
        LambdaInvocation(
            self,
            "Migration",
            function_name=self.schema_function.function_name,
            input=json.dumps({"migrate": True, "uploaders": _projects_of_roles(environment)}),
            # Another trigger makes another invocation, and one that failed is made again by the next deploy. One that
            # is updated in place would not be: its new input stands in the state although it failed.
            lifecycle_scope="CREATE_ONLY",
            triggers={
                "package": self.schema_function.source_code_hash,
                "passwords": str(environment.password_version),
                # Unknown, and so another one, where the parameter is made anew.
                "reader": self.reader_password_param.arn,
                "database": rds.db_instance.resource_id,
            },
        )
        schedule = DailySchedule(
            self,
            "Upkeep",
            name=resource_name("upkeep", environment.suffix, MaxLength.EVENT_RULE),
            description="Removes what is past its retention",
            function=function,
            event={"upkeep": True},
        )
        self.upkeep_rule = schedule.rule
        self.alarms = (
            *function.alarms("schema"),
            # A new environment has been invoked by its deploy.
            *schedule.alarms("upkeep"),
            Alarm(
                name="upkeep-incomplete",
                meaning="The upkeep has not been able to do all that was due, for three days.",
                metric=own_metric(MetricName.UPKEEP_COMPLETE, "Maximum", suffix=environment.suffix),
                comparison="LessThanThreshold",
                threshold=1,
                unit="complete upkeeps",
                period=DAY,
                evaluation_periods=3,
                datapoints=3,
                # Whether there is any is the business of the other alarms.
                missing_data="ignore",
            ),
        )


def _projects_of_roles(environment: EnvironmentSettings) -> dict[str, tuple[str, ...]]:
    return {
        upload_role_name(uploader.name, environment.suffix): uploader.projects for uploader in environment.uploaders
    }
