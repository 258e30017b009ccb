"""Keeps a protected environment from being destroyed: Terraform refuses before anything is touched."""

import jsii
from cdktf import (
    Aspects,
    DataResource,
    IAspect,
    IListProducer,
    IResolveContext,
    Lazy,
    LocalExecProvisioner,
    TerraformResource,
    TerraformResourceLifecycle,
    TerraformStack,
)

from constructs import IConstruct

# The addresses of the guards say what `prevent_destroy` cannot, since it takes no message.
UNPROTECT_FIRST = "set_protected_to_false_and_deploy_first"
MAKE_DISPOSABLE_FIRST = "set_disposable_to_true_and_deploy_first"

# What holds data, or messages on their way, takes long to make again, or has an address that others have written down
# or subscribed to.
_KEPT = frozenset(
    {
        "aws_cloudwatch_event_archive",
        "aws_cloudwatch_event_bus",
        "aws_cloudwatch_log_group",
        "aws_db_instance",
        "aws_lambda_function_url",
        "aws_s3_bucket",
        "aws_sns_topic",
        "aws_sqs_queue",
        "aws_ssm_parameter",
    }
)

_REFUSE_IF_PROTECTED = (
    'if [ "$PROTECTED" = true ]; then echo "TAP: the stack is still deployed as protected: deploy it with the new'
    ' setting before you destroy it" >&2; exit 1; fi'
)


def guard(stack: TerraformStack, *, protected: bool, remedy: str) -> None:
    """Let Terraform refuse to destroy the stack if it is `protected`, or was when it was last deployed.

    Every plan that would destroy it, or replace what it cannot lose, fails; `remedy` is the name that the error gives.
    Whatever else it holds may be replaced by an update. Where the setting has changed and was not deployed, the state
    still knows: the guard goes before everything else, and fails.
    """
    resource = DataResource(
        stack,
        remedy,
        input={"protected": protected},
        lifecycle=TerraformResourceLifecycle(prevent_destroy=True) if protected else None,
        provisioners=[
            LocalExecProvisioner(
                type="local-exec",
                when="destroy",
                command=_REFUSE_IF_PROTECTED,
                environment={"PROTECTED": "${self.output.protected}"},
            )
        ],
    )
    resource.add_override("depends_on", Lazy.list_value(_AllElse(stack, resource), omit_empty=True))
    if protected:
        Aspects.of(stack).add(_Keep())


@jsii.implements(IListProducer)
class _AllElse:
    """The addresses of all that a stack holds: what depends on it is destroyed before it, so the guard depends on all.

    Asked for once the stack is whole: to visit each resource, and to say so of it anew, took a fifth of a synth.
    """

    def __init__(self, stack: TerraformStack, guard: DataResource) -> None:
        self._stack = stack
        self._guard = guard

    def produce(self, _context: IResolveContext) -> list[str]:
        return [
            f"{node.terraform_resource_type}.{node.friendly_unique_id}"
            for node in self._stack.node.find_all()
            if isinstance(node, TerraformResource) and node is not self._guard
        ]


@jsii.implements(IAspect)
class _Keep:
    def visit(self, node: IConstruct) -> None:
        if isinstance(node, TerraformResource) and node.terraform_resource_type in _KEPT:
            node.add_override("lifecycle.prevent_destroy", value=True)
