"""What RDS has to offer: a role of its own, and the class of the database."""

from collections.abc import Iterator

from local.doctor.finding import Account, Finding, Mark
from stacks.settings import ENVIRONMENTS_FILE, EnvironmentSettings

_ROLE = "AWSServiceRoleForRDS"


def role(account: Account) -> Iterator[Finding]:
    """RDS makes its role with an account's first instance, which may fail meanwhile.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAM.ServiceLinkedRoles.html
    """
    check = "RDS's role"
    if account.find("iam", "get_role", "NoSuchEntity", RoleName=_ROLE):
        yield Finding(check=check, mark=Mark.OK, found=_ROLE)
        return
    yield Finding(
        check=check,
        mark=Mark.NOTE,
        found=f"there is no {_ROLE}",
        advice="RDS makes it with an account's first database, which may fail meanwhile: make it before.",
        lines=("aws iam create-service-linked-role --aws-service-name rds.amazonaws.com",),
    )


def classes(account: Account) -> Iterator[Finding]:
    """Whether RDS offers the class of each environment's database in the region, in two zones if it is to be.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Support.html
    """
    for environment in account.environments:
        yield _class(account, environment)


def _class(account: Account, environment: EnvironmentSettings) -> Finding:
    check, wanted = f"Database of {environment.suffix}", environment.database_instance_class
    options = account.ask(
        "rds", "describe_orderable_db_instance_options", Engine="postgres", DBInstanceClass=wanted, Vpc=True
    )["OrderableDBInstanceOptions"]
    if not options:
        return Finding(
            check=check,
            mark=Mark.STOP,
            found=f"RDS does not offer {wanted} for PostgreSQL in {account.region}",
            advice=f"Write another class below [{environment.suffix}] in {ENVIRONMENTS_FILE}; RDS lists those it has.",
            lines=(
                account.command(
                    "rds describe-orderable-db-instance-options --engine postgres"
                    " --query 'sort(OrderableDBInstanceOptions[].DBInstanceClass)' --output text"
                ),
            ),
        )
    if environment.database_multi_az and not any(option["MultiAZCapable"] for option in options):
        return Finding(
            check=check,
            mark=Mark.STOP,
            found=f"RDS does not offer {wanted} in two zones in {account.region}",
            advice=f"Write this, or another class, below [{environment.suffix}] in {ENVIRONMENTS_FILE}.",
            lines=("database_multi_az = false",),
        )
    where = ", in two zones" if environment.database_multi_az else ""
    return Finding(check=check, mark=Mark.OK, found=f"{wanted}{where}")
