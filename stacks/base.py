"""What all stacks have in common: provider, default tags, state, protection."""

from cdktf import LocalBackend, S3Backend, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags

from constructs import Construct
from stacks.protection import MAKE_DISPOSABLE_FIRST, UNPROTECT_FIRST, guard
from stacks.settings import EnvironmentSettings


class TapStack(TerraformStack):
    """A stack `tap-{id}` with tagged resources and a state of its own.

    With a `state_bucket` the state is in S3, encrypted and locked by S3 itself; without, in a file beside
    `cdktf.out`. `suffix` is the environment's, or None for what belongs to the account.
    """

    def __init__(self, scope: Construct, service: str, *, suffix: str | None, state_bucket: str | None) -> None:
        stack_id = f"tap-{service}-{suffix}" if suffix else f"tap-{service}"
        environment = suffix or service
        super().__init__(scope, stack_id)
        AwsProvider(
            self,
            "Aws",
            default_tags=[
                AwsProviderDefaultTags(
                    tags={"Project": "tap", "Environment": environment, "ManagedBy": "cdktf", "Stack": stack_id}
                )
            ],
        )
        if state_bucket:
            backend = S3Backend(self, bucket=state_bucket, key=f"{environment}/{service}.tfstate", encrypt=True)
            # The bindings of cdktf 0.21 do not know this argument of Terraform 1.11 yet.
            backend.add_override("use_lockfile", value=True)
        else:
            # Terraform runs in cdktf.out/stacks/{stack}: a relative path lets the synthesized folder be moved.
            LocalBackend(self, path=f"../../../terraform.{stack_id}.tfstate")


class EnvironmentStack(TapStack):
    """A stack of one environment, which Terraform refuses to destroy while the environment is protected.

    One that `outlives` it stays when the environment is given up, and is destroyed only once it is disposable.
    """

    def __init__(
        self,
        scope: Construct,
        service: str,
        *,
        environment: EnvironmentSettings,
        state_bucket: str | None,
        outlives: bool = False,
    ) -> None:
        super().__init__(scope, service, suffix=environment.suffix, state_bucket=state_bucket)
        if outlives:
            guard(self, protected=not environment.disposable, remedy=MAKE_DISPOSABLE_FIRST)
        else:
            guard(self, protected=environment.protected, remedy=UNPROTECT_FIRST)
