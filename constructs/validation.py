"""How constructs refuse input that AWS would refuse later, or take and misbehave."""


def require_range(name: str, value: int, lowest: int, highest: int, unit: str) -> None:
    """Raise ValueError, with one sentence that names the argument, unless `value` lies within the bounds."""
    if not lowest <= value <= highest:
        raise ValueError(f"{name} {value} is not valid: give {lowest} to {highest} {unit}")
