"""A private PostgreSQL instance in RDS."""

import math

from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.db_instance import DbInstance
from cdktf_cdktf_provider_aws.db_parameter_group import DbParameterGroup, DbParameterGroupParameter
from cdktf_cdktf_provider_aws.db_subnet_group import DbSubnetGroup

from constructs import Construct
from constructs.database_credential import DatabaseCredential
from constructs.validation import require_range

_MAJOR_VERSION = "18"  # RDS takes the minor version that is its default, and keeps it up to date
_RESERVED_USERS = frozenset({"admin", "rdsadmin"})


class PostgresInstance(Construct):
    """An encrypted gp3 instance without a public address that accepts TLS connections only.

    `storage`, `max_storage`: GiB; autoscaling grows from one to the other. gp3 starts at 20, and RDS wants the
    maximum to be at least 10 % above the start. `backup_retention`: days, 7 to 35. `log_retention`: days.
    `disposable`: no deletion protection, no final snapshot, and changes at once instead of in the maintenance window.
    Raises ValueError for what RDS would refuse.
    """

    db_instance: DbInstance

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        database_name: str,
        username: str,
        credential: DatabaseCredential,
        port: int,
        instance_class: str,
        storage: int,
        max_storage: int,
        multi_az: bool,
        backup_retention: int,
        log_retention: int,
        log_kms_key_arn: str,
        subnet_ids: list[str],
        security_group_id: str,
        disposable: bool = False,
    ) -> None:
        super().__init__(scope, id)
        if not (database_name.isascii() and database_name.isalnum()) or not database_name[0].isalpha():
            raise ValueError(
                f"database_name {database_name!r} is not valid: RDS takes letters and digits, a letter first"
            )
        if username in _RESERVED_USERS:
            raise ValueError(f"username {username!r} is not valid: RDS reserves it, choose another")
        require_range("storage", storage, 20, 65_536, "GiB")
        require_range("max_storage", max_storage, math.ceil(1.1 * storage), 65_536, "GiB")
        require_range("backup_retention", backup_retention, 7, 35, "days")
        subnet_group = DbSubnetGroup(
            self, "SubnetGroup", name=name, description="Default subnets", subnet_ids=subnet_ids, tags=_TAGS
        )
        parameter_group = DbParameterGroup(
            self,
            "ParameterGroup",
            name=name,
            family=f"postgres{_MAJOR_VERSION}",
            description="TLS only",
            parameter=[DbParameterGroupParameter(name="rds.force_ssl", value="1")],
            tags=_TAGS,
        )
        # RDS would make the log group by itself, and keep its lines for ever.
        log_group = CloudwatchLogGroup(
            self,
            "LogGroup",
            name=f"/aws/rds/instance/{name}/postgresql",
            retention_in_days=log_retention,
            kms_key_id=log_kms_key_arn,
            tags=_TAGS,
        )
        self.db_instance = DbInstance(
            self,
            "Instance",
            identifier=name,
            engine="postgres",
            engine_version=_MAJOR_VERSION,
            instance_class=instance_class,
            db_name=database_name,
            username=username,
            password_wo=credential.password,
            password_wo_version=credential.version,
            port=port,
            storage_type="gp3",
            allocated_storage=storage,
            max_allocated_storage=max_storage,
            storage_encrypted=True,
            multi_az=multi_az,
            publicly_accessible=False,
            db_subnet_group_name=subnet_group.name,
            vpc_security_group_ids=[security_group_id],
            parameter_group_name=parameter_group.name,
            backup_retention_period=backup_retention,
            copy_tags_to_snapshot=True,
            auto_minor_version_upgrade=True,
            enabled_cloudwatch_logs_exports=["postgresql"],
            deletion_protection=not disposable,
            skip_final_snapshot=disposable,
            final_snapshot_identifier=None if disposable else f"{name}-final",
            delete_automated_backups=disposable,
            apply_immediately=disposable,
            depends_on=[log_group],
            tags=_TAGS,
        )


_TAGS = {"Component": "database"}
