"""A database password that is made in AWS, kept in Parameter Store, and written down nowhere else."""

from cdktf import TerraformStack
from cdktf_cdktf_provider_aws.ssm_parameter import SsmParameter

from constructs import Construct
from constructs.validation import require_range

_LAST_VERSION = 2**31 - 1
_PASSWORD_LENGTH = 40  # characters; RDS takes 8 to 128
_REFUSED_BY_RDS = "/@\"' "  # MasterUserPassword of CreateDBInstance; blanks are refused too


class DatabaseCredential(Construct):
    """A random password in a `SecureString` parameter under `alias/aws/ssm`.

    Both the generator and the way back are ephemeral resources, and the parameter takes its value write-only: the
    password is in no state and in no plan. `password` is an expression for a write-only argument, read back from
    the parameter, so that an apply that was interrupted half-way agrees with it when it is run again.
    `description`: of the parameter; it stays as it is. `version`: at least 1; every change of it makes a new password.
    Raises ValueError if it is lower.
    """

    parameter: SsmParameter
    version: int

    def __init__(self, scope: Construct, id: str, *, parameter_name: str, description: str, version: int) -> None:
        super().__init__(scope, id)
        require_range("version", version, 1, _LAST_VERSION, "(a number to raise)")
        self.version = version
        generator = _ephemeral(
            self,
            "aws_secretsmanager_random_password",
            password_length=_PASSWORD_LENGTH,
            exclude_characters=_REFUSED_BY_RDS,
            require_each_included_type=True,
        )
        self.parameter = SsmParameter(
            self,
            "Password",
            name=parameter_name,
            # Neither of these two can change by itself: the provider then sends an empty value, which is refused.
            description=description,
            type="SecureString",
            key_id="alias/aws/ssm",
            value_wo=f"${{{generator}.random_password}}",
            value_wo_version=version,
            tags={"Component": "database", "Sensitive": "true"},
        )

    @property
    def password(self) -> str:
        """An expression for a write-only argument; the parameter is read back where it is asked for, and only there."""
        return f"${{{_ephemeral(self, 'aws_ssm_parameter', arn=self.parameter.arn)}.value}}"


def _ephemeral(scope: Construct, resource_type: str, **arguments: object) -> str:
    """Add an ephemeral block, for which cdktf 0.21 has no class, and return its address."""
    name = scope.node.id
    TerraformStack.of(scope).add_override(f"ephemeral.{resource_type}.{name}", arguments)
    return f"ephemeral.{resource_type}.{name}"
