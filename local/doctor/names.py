"""Whether an environment's names are free, or its own already."""

from collections.abc import Iterator
from typing import Any

from local.cdktf import PROJECT
from local.doctor.account import has_state
from local.doctor.finding import Account, Finding, Mark, tags_of
from stacks.names import MaxLength, bucket_name, resource_name, state_bucket_name, upload_role_name
from stacks.settings import EnvironmentSettings

_FUNCTIONS = ("lambda", "schema", "results")  # each has a role of its own


def names(account: Account) -> Iterator[Finding]:
    """Whether the names of an environment's roles and buckets are free: those of an account know no region."""
    for environment in account.environments:
        yield _names(account, environment)


def role_names(environment: EnvironmentSettings) -> list[str]:
    """All roles of an environment, that of the ingest function first."""
    return [
        *(resource_name(service, environment.suffix, MaxLength.ROLE) for service in _FUNCTIONS),
        *(upload_role_name(uploader.name, environment.suffix) for uploader in environment.uploaders),
    ]


def is_deployed(account: Account, environment: EnvironmentSettings) -> bool:
    """Whether the environment is there, in whatever region."""
    role = _role(account, role_names(environment)[0])
    return role is not None and _is_of(role, environment)


def _names(account: Account, environment: EnvironmentSettings) -> Finding:
    check, suffix = f"Names of {environment.suffix}", environment.suffix
    roles = {name: role for name in role_names(environment) if (role := _role(account, name))}
    strange = [name for name, role in roles.items() if not _is_of(role, environment)]
    bucket = bucket_name("uploads", suffix, account.id)
    found = account.find("s3", "head_bucket", "404", "NoSuchBucket", Bucket=bucket)
    if strange:
        return Finding(
            check=check,
            mark=Mark.STOP,
            found=f"somebody else has {', '.join(strange)}: the tags are not those of {suffix}",
            advice="Choose another ENVIRONMENT_SUFFIX, or rename what is there.",
        )
    if found and found["BucketRegion"] != account.region:
        return Finding(
            check=check,
            mark=Mark.STOP,
            found=f"{suffix} is deployed in {found['BucketRegion']}: an account has one of a name",
            advice="Choose another ENVIRONMENT_SUFFIX, or set AWS_REGION to deploy that one.",
        )
    if not roles and not found:
        return Finding(check=check, mark=Mark.OK, found="free")
    service = "iam" if roles else "s3"
    if not _has_state_of(account, service, suffix):
        return Finding(
            check=check,
            mark=Mark.STOP,
            found=f"{next(iter(roles), bucket)} is there, and no state that knows it",
            advice="Name the state that it was deployed with; without one, remove what bears these tags.",
            lines=(
                "export TF_STATE_BUCKET=...",
                account.command(
                    f"resourcegroupstaggingapi get-resources --tag-filters Key=Project,Values=tap"
                    f" Key=Environment,Values={suffix}"
                ),
            ),
        )
    return Finding(check=check, mark=Mark.OK, found=f"{suffix} is here already: a deploy brings it up to date")


def _role(account: Account, name: str) -> dict[str, Any] | None:
    found = account.find("iam", "get_role", "NoSuchEntity", RoleName=name)
    return found and found["Role"]


def _is_of(role: dict[str, Any], environment: EnvironmentSettings) -> bool:
    tags = tags_of(role)
    return tags.get("Project") == "tap" and tags.get("Environment") == environment.suffix


def _has_state_of(account: Account, service: str, suffix: str) -> bool:
    """In a local file, or in the bucket that is named, or in that of the account."""
    if (PROJECT / f"terraform.tap-{service}-{suffix}.tfstate").exists():
        return True
    bucket = account.settings.state_bucket or state_bucket_name(account.region, account.id)
    return has_state(account, bucket, f"{suffix}/{service}.tfstate")
