"""A private PostgreSQL instance in RDS."""

import math

from cdktf import Fn, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.db_instance import DbInstance
from cdktf_cdktf_provider_aws.db_subnet_group import DbSubnetGroup

from constructs import Construct
from constructs.alarm import HOUR, Alarm
from constructs.database_credential import DatabaseCredential
from constructs.instance_class import InstanceClass
from constructs.metrics import database_metric
from constructs.validation import require_range

_MAJOR_VERSION = "18"  # RDS takes the minor version that is its default, and keeps it up to date
_RESERVED_USERS = frozenset({"admin", "rdsadmin"})

# Of the storage that the instance is made with. RDS gives it more where 10 % are left for five minutes, unless it did
# so within six hours or has reached the maximum
# (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html).
_LITTLE_STORAGE = 0.05
# Of the default that the class's memory makes. Some of that is RDS's own: a micro takes 80 connections, and not 112.
_MANY_CONNECTIONS = 0.6


class PostgresInstance(Construct):
    """An encrypted gp3 instance without a public address that accepts TLS connections only.

    It has the default parameter group of its version, where `rds.force_ssl` is on since PostgreSQL 15
    (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html): a group of its own
    that only repeats a default shows a change in every plan, and blocks the next major version.

    `storage`, `max_storage`: GiB; autoscaling grows from one to the other. gp3 starts at 20, and RDS wants the
    maximum to be at least 10 % above the start. `backup_retention`: days, 7 to 35, and from 1 if it is `disposable`:
    an account of AWS's free plan may have no more than one. `log_retention`: days.
    `snapshot`: what a new instance is restored from; one that exists stays as it is.
    `deletion_protection`: RDS refuses to delete it.
    `disposable`: no final snapshot, no backups after its end, and changes at once instead of in the maintenance window.
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
        snapshot: str | None = None,
        deletion_protection: bool = True,
        disposable: bool = False,
    ) -> None:
        super().__init__(scope, id)
        self._class = InstanceClass(instance_class)
        self._storage = storage
        if not (database_name.isascii() and database_name.isalnum()) or not database_name[0].isalpha():
            raise ValueError(
                f"database_name {database_name!r} is not valid: RDS takes letters and digits, a letter first"
            )
        if username in _RESERVED_USERS:
            raise ValueError(f"username {username!r} is not valid: RDS reserves it, choose another")
        require_range("storage", storage, 20, 65_536, "GiB")
        require_range("max_storage", max_storage, math.ceil(1.1 * storage), 65_536, "GiB")
        require_range("backup_retention", backup_retention, 1 if disposable else 7, 35, "days")
        require_range("port", port, 1150, 65_535, "(CreateDBInstance)")
        subnet_group = DbSubnetGroup(
            self, "SubnetGroup", name=name, description="Default subnets", subnet_ids=subnet_ids, tags=_TAGS
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
            backup_retention_period=backup_retention,
            copy_tags_to_snapshot=True,
            auto_minor_version_upgrade=True,
            enabled_cloudwatch_logs_exports=["postgresql"],
            snapshot_identifier=snapshot,
            deletion_protection=deletion_protection,
            skip_final_snapshot=disposable,
            # Of the time at which the instance is made: RDS takes no name twice.
            final_snapshot_identifier=f"{name}-final-{Fn.formatdate('YYYYMMDDhhmmss', Fn.timestamp())}",
            delete_automated_backups=disposable,
            apply_immediately=disposable,
            # Each would otherwise be a change in every later plan; another snapshot would even replace the instance.
            lifecycle=TerraformResourceLifecycle(ignore_changes=["final_snapshot_identifier", "snapshot_identifier"]),
            depends_on=[log_group],
            tags=_TAGS,
        )

    def alarms(self) -> tuple[Alarm, ...]:
        """Of storage, processor and connections; and of credits, where the class has any."""
        instance = self.db_instance
        alarms = (
            Alarm(
                name="database-storage",
                meaning="The database runs out of storage, and RDS has not given it more.",
                metric=database_metric(instance, "FreeStorageSpace", "Minimum"),
                comparison="LessThanThreshold",
                threshold=_LITTLE_STORAGE * self._storage * 2**30,
                unit="bytes",
                # RDS has its five minutes.
                evaluation_periods=2,
                datapoints=2,
                missing_data="ignore",
            ),
            Alarm(
                name="database-cpu",
                meaning="The processors of the database have been busy for half an hour.",
                metric=database_metric(instance, "CPUUtilization", "Average"),
                threshold=90,
                unit="percent",
                evaluation_periods=6,
                datapoints=6,
                missing_data="ignore",
            ),
            Alarm(
                name="database-connections",
                meaning="The database has more connections than TAP needs, and soon takes no more.",
                metric=database_metric(instance, "DatabaseConnections", "Maximum"),
                threshold=int(_MANY_CONNECTIONS * self._class.max_connections),
                unit="connections",
                # Those of containers that were replaced stay for a moment.
                evaluation_periods=2,
                datapoints=2,
                missing_data="ignore",
            ),
        )
        charged = Alarm(
            name="database-credits",
            meaning="The database has worked harder than its class is made for, for six hours, and AWS charges for it.",
            # A new instance starts without any, and has its first within minutes.
            metric=database_metric(instance, "CPUCreditBalance", "Maximum"),
            comparison="LessThanThreshold",
            threshold=1,
            unit="CPU credits",
            period=HOUR,
            evaluation_periods=6,
            datapoints=6,
            missing_data="ignore",
        )
        return (*alarms, charged) if self._class.is_burstable else alarms


_TAGS = {"Component": "database"}
