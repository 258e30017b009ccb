"""What all stacks have in common: provider, default tags, state, protection."""

from cdktf import LocalBackend, S3Backend, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags

from constructs import Construct
from stacks.protection import UNPROTECT_FIRST, guard


class TapStack(TerraformStack):
    """A stack `tap-{id}` with tagged resources and a state of its own.

    With a `state_bucket` the state is in S3, encrypted and locked by S3 itself; without, in a file beside
    `cdktf.out`. `suffix` is the environment's, or None for what belongs to the account. Terraform refuses to destroy
    the stack of an environment that is `protected`; `remedy` is the name under which it says what to do.
    """

    def __init__(
        self,
        scope: Construct,
        service: str,
        *,
        suffix: str | None,
        state_bucket: str | None,
        protected: bool = False,
        remedy: str = UNPROTECT_FIRST,
    ) -> None:
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
        if suffix:
            guard(self, protected=protected, remedy=remedy)
