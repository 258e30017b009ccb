"""Where the database and the function live: the account's default VPC."""

from cdktf_cdktf_provider_aws.data_aws_vpc import DataAwsVpc

from constructs import Construct
from constructs.default_vpc import DefaultVpc
from constructs.security_group import SecurityGroup
from stacks.base import EnvironmentStack
from stacks.endpoint_services import ZONE_SERVICES
from stacks.names import MaxLength, resource_name
from stacks.settings import AccountSettings, EnvironmentSettings


class VpcStack(EnvironmentStack):
    """The default VPC and its subnets by data sources; the security groups of function and database."""

    vpc: DataAwsVpc
    subnet_ids: list[str]
    """Of the database, in all zones."""
    function_subnet_ids: list[str]
    """Of the functions, where the VPC endpoints are."""
    function_security_group: SecurityGroup
    database_security_group: SecurityGroup

    def __init__(
        self,
        scope: Construct,
        *,
        environment: EnvironmentSettings,
        account: AccountSettings,
        state_bucket: str | None,
    ) -> None:
        super().__init__(scope, "vpc", environment=environment, state_bucket=state_bucket)
        default_vpc = DefaultVpc(self, "DefaultVpc", endpoint_services=ZONE_SERVICES, zones=account.zones)
        self.vpc = default_vpc.vpc
        self.subnet_ids = default_vpc.subnet_ids
        self.function_subnet_ids = default_vpc.chosen_subnet_ids
        self.function_security_group = self._security_group("Function", "function", environment)
        self.database_security_group = self._security_group("Database", "database", environment)
        for port in environment.database_ports:
            self.function_security_group.allow_to(self.database_security_group, port=port)
            if readers := environment.reader_security_group_id:
                self.database_security_group.allow_from_existing(readers, port=port, description="From readers")

    def _security_group(self, id: str, service: str, environment: EnvironmentSettings) -> SecurityGroup:
        return SecurityGroup(
            self,
            id,
            name=resource_name(service, environment.suffix, MaxLength.SECURITY_GROUP),
            description=f"The {service} of TAP",
            vpc_id=self.vpc.id,
            component=service,
        )
