"""Who asks, where, and what the account has already."""

from collections.abc import Iterator
from typing import Any

from local.cdktf import PROJECT
from local.doctor.finding import Account, Finding, Mark, tags_of
from stacks.names import ACCOUNT_STACK, MaxLength, bucket_name, resource_name, state_bucket_name, upload_role_name
from stacks.rds_authorities import served_regions
from stacks.settings import ENVIRONMENTS_FILE, EnvironmentSettings
from stacks.uploaders import issuers_of

FUNCTIONS = ("lambda", "schema", "results")
"""The services of the functions, each of which has a role of its own."""

_RDS_ROLE = "AWSServiceRoleForRDS"
_IN_ACCOUNT_TABLE = f"Write this into {ENVIRONMENTS_FILE}."


def identity(account: Account) -> Iterator[Finding]:
    """Whose credentials these are: not the root user's, which no policy narrows."""
    if account.arn.endswith(":root"):
        yield Finding(
            check="Credentials",
            mark=Mark.NOTE,
            found=f"the root user of {account.id}",
            advice="Deploy with a role or a user of IAM: nothing narrows what the root user may do.",
        )
        return
    yield Finding(check="Credentials", mark=Mark.OK, found=account.arn)


def region(account: Account) -> Iterator[Finding]:
    """Whether the function would trust the databases of the region."""
    if account.region in served_regions():
        yield Finding(check="Region", mark=Mark.OK, found=account.region)
        return
    yield Finding(
        check="Region",
        mark=Mark.STOP,
        found=f"handler/rds-ca-bundle.pem has no authority of {account.region}",
        advice="Take AWS's current bundle and commit it, or choose another region in AWS_REGION.",
        lines=("make rds-ca-bundle",),
    )


def state(account: Account) -> Iterator[Finding]:
    """Whether the account stack is there with its state, and which command comes next."""
    check, own = "Account stack", state_bucket_name(account.region, account.id)
    named = account.settings.state_bucket
    deploy = _deploy(account)
    if named and named != own and not has_bucket(account, named):
        yield Finding(
            check=check,
            mark=Mark.STOP,
            found=f"there is no bucket {named}, which TF_STATE_BUCKET names",
            advice="Unset it until the account stack is deployed, which makes the bucket and prints its name.",
            lines=("unset TF_STATE_BUCKET", "npx cdktf deploy tap-account"),
        )
    elif not named and not has_bucket(account, own):
        yield Finding(
            check=check,
            mark=Mark.NOTE,
            found="not deployed yet",
            advice="It comes first, once per account and region.",
            lines=(
                "npx cdktf deploy tap-account",
                f"export TF_STATE_BUCKET={own}",
                "npx cdktf deploy tap-account --migrate-state",
                deploy,
            ),
        )
    elif not _has_state(account, named or own, "account/account.tfstate"):
        yield Finding(
            check=check,
            mark=Mark.NOTE,
            found=f"its state is not in {named or own}",
            advice="It stays in a local file until it is moved.",
            lines=(
                f"export TF_STATE_BUCKET={named or own}",
                "npx cdktf deploy tap-account --migrate-state",
                deploy,
            ),
        )
    elif not named:
        yield Finding(
            check=check,
            mark=Mark.NOTE,
            found="deployed; TF_STATE_BUCKET is not set",
            advice="Without it the states would be local files.",
            lines=(f"export TF_STATE_BUCKET={own}", deploy),
        )
    else:
        yield Finding(check=check, mark=Mark.OK, found=f"deployed, with its state in {named}")


def rds_role(account: Account) -> Iterator[Finding]:
    """RDS makes its role with an account's first instance, which may fail meanwhile.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAM.ServiceLinkedRoles.html
    """
    check = "RDS's role"
    if account.find("iam", "get_role", "NoSuchEntity", RoleName=_RDS_ROLE):
        yield Finding(check=check, mark=Mark.OK, found=_RDS_ROLE)
        return
    yield Finding(
        check=check,
        mark=Mark.NOTE,
        found=f"there is no {_RDS_ROLE}",
        advice="RDS makes it with an account's first database, which may fail meanwhile: make it before.",
        lines=("aws iam create-service-linked-role --aws-service-name rds.amazonaws.com",),
    )


def oidc_providers(account: Account) -> Iterator[Finding]:
    """The OpenID Connect providers of the uploaders' issuers: IAM has one for each, whatever the region."""
    check, settings = "OIDC providers", account.settings
    named = settings.account.oidc_provider_arns
    if not settings.oidc_issuers and not named:
        yield Finding(check=check, mark=Mark.OK, found=f"{ENVIRONMENTS_FILE} has no uploaders that need one")
        return
    listed = account.ask("iam", "list_open_id_connect_providers")["OpenIDConnectProviderList"]
    there = {_address(provider["Arn"]): provider["Arn"] for provider in listed}
    for each in named:
        if each not in there.values():
            yield Finding(
                check=check,
                mark=Mark.STOP,
                found=f"there is no {each}",
                advice=f"Take it out of oidc_provider_arns in {ENVIRONMENTS_FILE}: TAP then makes it.",
            )
    for issuer in settings.oidc_issuers:
        arn = there.get(issuer.address)
        if arn is None:
            yield Finding(check=check, mark=Mark.OK, found=f"none for {issuer.address}: TAP makes it")
        elif _is_of_this_account_stack(account, arn):
            yield Finding(check=check, mark=Mark.OK, found=f"TAP's own for {issuer.address}")
        else:
            arns = ", ".join(f'"{each}"' for each in (*named, arn))
            yield Finding(
                check=check,
                mark=Mark.STOP,
                found=f"IAM has one for {issuer.address} already, and takes no second one",
                advice=_IN_ACCOUNT_TABLE,
                lines=("[account]", f"oidc_provider_arns = [{arns}]"),
            )
    yield from _audiences(account, there)


def names(account: Account) -> Iterator[Finding]:
    """Whether the names of an environment's roles and buckets are free: those of an account know no region."""
    for environment in account.environments:
        yield _names(account, environment)


def role_names(environment: EnvironmentSettings) -> list[str]:
    """All roles of an environment, that of the ingest function first."""
    return [
        *(resource_name(service, environment.suffix, MaxLength.ROLE) for service in FUNCTIONS),
        *(upload_role_name(uploader.name, environment.suffix) for uploader in environment.uploaders),
    ]


def is_deployed(account: Account, environment: EnvironmentSettings) -> bool:
    """Whether the environment is there, in whatever region."""
    role = _role(account, role_names(environment)[0])
    return role is not None and _is_of(role, environment)


def has_bucket(account: Account, name: str) -> bool:
    """Whether there is a bucket of this name, in whatever region."""
    return account.find("s3", "head_bucket", "404", "NoSuchBucket", Bucket=name) is not None


def is_account_stack_deployed(account: Account) -> bool:
    """By its state bucket, whose name has account and region."""
    return has_bucket(account, state_bucket_name(account.region, account.id))


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


def _audiences(account: Account, there: dict[str, str]) -> Iterator[Finding]:
    """Of those providers that are named: TAP adds nothing to what it did not make."""
    named = account.settings.account.oidc_provider_arns
    for issuer in issuers_of(uploader for each in account.environments for uploader in each.uploaders):
        arn = there.get(issuer.address)
        if arn is None or arn not in named:
            continue
        admitted = _provider(account, arn)["ClientIDList"]
        if missing := [audience for audience in issuer.audiences if audience not in admitted]:
            yield Finding(
                check="OIDC providers",
                mark=Mark.STOP,
                found=f"that for {issuer.address} does not admit the audience {', '.join(missing)}",
                advice="Let it admit what the jobs' tokens are for.",
                lines=tuple(
                    "aws iam add-client-id-to-open-id-connect-provider"
                    f" --open-id-connect-provider-arn {arn} --client-id {audience}"
                    for audience in missing
                ),
            )
        else:
            yield Finding(check="OIDC providers", mark=Mark.OK, found=f"{arn}, as the settings name it")


def _is_of_this_account_stack(account: Account, arn: str) -> bool:
    """Not that of the account stack of another region, whose state has it."""
    return tags_of(_provider(account, arn)).get("Stack") == ACCOUNT_STACK and is_account_stack_deployed(account)


def _provider(account: Account, arn: str) -> dict[str, Any]:
    return account.ask("iam", "get_open_id_connect_provider", OpenIDConnectProviderArn=arn)


def _address(arn: str) -> str:
    return f"https://{arn.partition('/')[2]}"


def _role(account: Account, name: str) -> dict[str, Any] | None:
    found = account.find("iam", "get_role", "NoSuchEntity", RoleName=name)
    return found and found["Role"]


def _is_of(role: dict[str, Any], environment: EnvironmentSettings) -> bool:
    tags = tags_of(role)
    return tags.get("Project") == "tap" and tags.get("Environment") == environment.suffix


def _has_state(account: Account, bucket: str, key: str) -> bool:
    return account.find("s3", "head_object", "404", "NoSuchKey", "NoSuchBucket", Bucket=bucket, Key=key) is not None


def _has_state_of(account: Account, service: str, suffix: str) -> bool:
    """In a local file, or in the bucket that is named, or in that of the account."""
    if (PROJECT / f"terraform.tap-{service}-{suffix}.tfstate").exists():
        return True
    bucket = account.settings.state_bucket or state_bucket_name(account.region, account.id)
    return _has_state(account, bucket, f"{suffix}/{service}.tfstate")


def _deploy(account: Account) -> str:
    suffixes = ",".join(environment.suffix for environment in account.environments)
    stacks = " ".join(f"'tap-*-{environment.suffix}'" for environment in account.environments)
    return f"ENVIRONMENT_SUFFIX={suffixes} npx cdktf deploy {stacks} --outputs-file outputs.json"
