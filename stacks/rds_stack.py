"""The database, and the credential that is born with it."""

from cdktf_cdktf_provider_aws.db_instance import DbInstance
from cdktf_cdktf_provider_aws.ssm_parameter import SsmParameter

from constructs import Construct
from constructs.alarm import Alarm
from constructs.database_credential import DatabaseCredential
from constructs.postgres_instance import PostgresInstance
from stacks.account_lookup import account_key_arn
from stacks.base import EnvironmentStack
from stacks.names import MaxLength, database_parameter_name, resource_name
from stacks.served_region import require_served_region
from stacks.settings import EnvironmentSettings
from stacks.vpc_stack import VpcStack

_DATABASE = "tap"
_USERNAME = "tap"


class RdsStack(EnvironmentStack):
    """PostgreSQL with its subnet group, and its password in Parameter Store."""

    db_instance: DbInstance
    db_password_param: SsmParameter
    alarms: tuple[Alarm, ...]

    def __init__(
        self, scope: Construct, *, environment: EnvironmentSettings, state_bucket: str | None, vpc: VpcStack
    ) -> None:
        super().__init__(scope, "rds", environment=environment, state_bucket=state_bucket)
        require_served_region(self)
        credential = DatabaseCredential(
            self,
            "Credential",
            parameter_name=database_parameter_name(environment.suffix, "password"),
            description="Password of the database",
            version=environment.password_version,
        )
        self.db_password_param = credential.parameter
        postgres = PostgresInstance(
            self,
            "Postgres",
            name=resource_name("rds", environment.suffix, MaxLength.DB_INSTANCE),
            database_name=_DATABASE,
            username=_USERNAME,
            credential=credential,
            port=environment.database_port,
            instance_class=environment.database_instance_class,
            storage=environment.database_storage,
            max_storage=environment.database_max_storage,
            multi_az=environment.database_multi_az,
            backup_retention=environment.backup_retention,
            log_retention=environment.log_retention,
            log_kms_key_arn=account_key_arn(self),
            subnet_ids=vpc.subnet_ids,
            security_group_id=vpc.database_security_group.group.id,
            snapshot=environment.database_snapshot,
            deletion_protection=environment.protected,
            disposable=environment.disposable,
        )
        self.db_instance = postgres.db_instance
        self.alarms = postgres.alarms()
