"""What the function must know about the database, in Parameter Store."""

from cdktf_cdktf_provider_aws.ssm_parameter import SsmParameter

from constructs import Construct
from stacks.base import EnvironmentStack
from stacks.names import database_parameter_name, parameter_prefix
from stacks.rds_stack import RdsStack
from stacks.settings import EnvironmentSettings


class ParameterStack(EnvironmentStack):
    """The parameters `database/endpoint` (host:port), `username` and `name`; hands on `password` from `RdsStack`."""

    prefix: str
    db_endpoint_param: SsmParameter
    db_username_param: SsmParameter
    db_password_param: SsmParameter
    db_name_param: SsmParameter

    def __init__(
        self, scope: Construct, *, environment: EnvironmentSettings, state_bucket: str | None, rds: RdsStack
    ) -> None:
        super().__init__(scope, "parameter", environment=environment, state_bucket=state_bucket)
        self._suffix = environment.suffix
        self.prefix = parameter_prefix(environment.suffix)
        self.db_endpoint_param = self._parameter("Endpoint", "endpoint", rds.db_instance.endpoint)
        self.db_username_param = self._parameter("Username", "username", rds.db_instance.username)
        self.db_name_param = self._parameter("Name", "name", rds.db_instance.db_name)
        self.db_password_param = rds.db_password_param

    def _parameter(self, id: str, name: str, value: str) -> SsmParameter:
        return SsmParameter(
            self,
            id,
            name=database_parameter_name(self._suffix, name),
            # No secret, but half of what opens the database: under the key of the password, not in clear.
            type="SecureString",
            key_id="alias/aws/ssm",
            value=value,
            tags={"Component": "database"},
        )
