"""What the name of an RDS instance class says of it."""

import re

# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Summary.html
_NAME = re.compile(r"db\.(?P<kind>[cmrtxz])\d[a-z0-9]*\.(?P<size>micro|small|medium|large|(?P<times>\d*)xlarge)")
_GIB_PER_CPU = {"c": 2, "m": 4, "r": 8, "t": 4, "x": 15, "z": 8}
_SMALL_GIB = {"micro": 1, "small": 2, "medium": 4}

# The default of `max_connections` (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections).
_BYTES_PER_CONNECTION = 9_531_392
_MOST_CONNECTIONS = 5_000


class InstanceClass:
    """`db.t4g.micro`, for one. Raises ValueError for what is no name of a class.

    `is_burstable`: it earns CPU credits, and spends them while it works harder than its baseline.
    `max_connections`: that PostgreSQL takes by RDS's default, by the memory that the class is said to have.
    """

    is_burstable: bool
    max_connections: int

    def __init__(self, name: str) -> None:
        match = _NAME.fullmatch(name)
        if not match:
            raise ValueError(f"database_instance_class {name!r} is not valid: give a class of RDS (db.t4g.micro)")
        kind, size, times = match.group("kind", "size", "times")
        cpus = 2 if size == "large" else 4 * int(times or 1)
        memory = _SMALL_GIB.get(size, _GIB_PER_CPU[kind] * cpus) << 30
        self.is_burstable = kind == "t"
        self.max_connections = min(memory // _BYTES_PER_CONNECTION, _MOST_CONNECTIONS)
