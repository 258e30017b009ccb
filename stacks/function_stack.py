"""What the stacks of the functions have in common: the package, the way to the database, the place in the VPC."""

from collections.abc import Mapping

from constructs import Construct
from constructs.python_function import PythonFunction
from stacks.account_lookup import AccountLookup, account_key_arn
from stacks.base import EnvironmentStack
from stacks.function_package import FunctionPackage
from stacks.names import function_log_group_name, function_name
from stacks.parameter_stack import ParameterStack
from stacks.s3_stack import S3Stack
from stacks.settings import EnvironmentSettings, Settings
from stacks.vpc_stack import VpcStack


class FunctionStack(EnvironmentStack):
    """A stack `tap-{service}-{suffix}` that holds the function of this name, which works with the database."""

    def __init__(
        self,
        scope: Construct,
        service: str,
        *,
        environment: EnvironmentSettings,
        settings: Settings,
        package: FunctionPackage,
        s3: S3Stack,
        vpc: VpcStack,
        parameter: ParameterStack,
    ) -> None:
        super().__init__(scope, service, environment=environment, state_bucket=settings.state_bucket)
        self._name = function_name(service, environment.suffix)
        self._environment = environment
        self._emulator_url = settings.emulator_url
        self._package = package
        self._s3 = s3
        self._vpc = vpc
        self._parameter = parameter
        self._account = AccountLookup(self, "Account", vpc_id=vpc.vpc.id, account=settings.account)

    def _add_function(
        self,
        *,
        description: str,
        handler: str,
        role_arn: str,
        memory: int,
        timeout: int,
        environment: Mapping[str, str],
    ) -> PythonFunction:
        """`memory` in MiB, `timeout` in seconds; `environment` has what it is told besides, its login for one."""
        return PythonFunction(
            self,
            "Function",
            name=self._name,
            description=description,
            package=self._package.path,
            handler=handler,
            runtime=self._package.runtime,
            architecture=self._package.architecture,
            role_arn=role_arn,
            artifact_bucket=self._s3.artifact_bucket.bucket,
            log_group_name=function_log_group_name(self._name),
            log_retention=self._environment.log_retention,
            kms_key_arn=account_key_arn(self),
            memory=memory,
            timeout=timeout,
            environment={
                "ENVIRONMENT": self._environment.suffix,
                "DB_ENDPOINT_PARAM": self._parameter.db_endpoint_param.name,
                "DB_NAME_PARAM": self._parameter.db_name_param.name,
                "AWS_ENDPOINT_URL_SSM": self._endpoint_url("ssm"),
                **environment,
            },
            subnet_ids=self._vpc.function_subnet_ids,
            security_group_ids=[self._vpc.function_security_group.group.id, self._account.client_security_group_id],
            # The account's, which outlives the environment.
            replacement_security_group_id=self._account.client_security_group_id,
        )

    def _owner(self) -> Mapping[str, str]:
        """What a function is told that works with the database as its owner."""
        return {
            "DB_USERNAME_PARAM": self._parameter.db_username_param.name,
            "DB_PASSWORD_PARAM": self._parameter.db_password_param.name,
        }

    def _endpoint_url(self, service: str) -> str:
        """Where the function finds a service: the default VPC has no way out, so it is an endpoint inside it."""
        return self._emulator_url or self._account.endpoint_url(service)
