"""Who asks, where, and how far the account is prepared."""

from collections.abc import Iterator

from local.doctor.finding import Account, Finding, Mark
from stacks.names import state_bucket_name
from stacks.rds_authorities import served_regions


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
    if named and not has_bucket(account, named):
        yield Finding(
            check=check,
            mark=Mark.STOP,
            found=f"there is no bucket {named}, which TF_STATE_BUCKET names",
            advice="Unset it until the account stack is deployed, which makes the bucket and prints its name.",
            lines=("unset TF_STATE_BUCKET", "npx cdktf deploy tap-account"),
        )
    elif not named and not is_account_stack_deployed(account):
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
    elif not has_state(account, named or own, "account/account.tfstate"):
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


def has_bucket(account: Account, name: str) -> bool:
    """Whether there is a bucket of this name, in whatever region."""
    return account.find("s3", "head_bucket", "404", "NoSuchBucket", Bucket=name) is not None


def is_account_stack_deployed(account: Account) -> bool:
    """By its state bucket, whose name has account and region."""
    return has_bucket(account, state_bucket_name(account.region, account.id))


def has_state(account: Account, bucket: str, key: str) -> bool:
    """Whether the bucket holds a state."""
    return account.find("s3", "head_object", "404", "NoSuchKey", "NoSuchBucket", Bucket=bucket, Key=key) is not None


def _deploy(account: Account) -> str:
    suffixes = ",".join(environment.suffix for environment in account.environments)
    stacks = " ".join(f"'tap-*-{environment.suffix}'" for environment in account.environments)
    return f"ENVIRONMENT_SUFFIX={suffixes} npx cdktf deploy {stacks} --outputs-file outputs.json"
