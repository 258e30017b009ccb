"""How constructs refuse input that AWS would refuse later, or take and misbehave."""

from cdktf import Postcondition, TerraformResourceLifecycle


def require_range(name: str, value: int, lowest: int, highest: int, unit: str) -> None:
    """Raise ValueError, with one sentence that names the argument, unless `value` lies within the bounds."""
    if not lowest <= value <= highest:
        raise ValueError(f"{name} {value} is not valid: give {lowest} to {highest} {unit}")


def required(condition: object, message: str) -> TerraformResourceLifecycle:
    """The lifecycle of a data source that makes the plan fail with the message unless the condition holds of it."""
    return TerraformResourceLifecycle(postcondition=[Postcondition(condition=condition, error_message=message)])
