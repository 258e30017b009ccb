"""The stacks of the deployed platform."""

from local.cdktf import Cdktf
from local.platform import Platform

SUFFIX = "staging"
"""A protected environment: it is what a disposable one is, and more."""

SERVICES = (
    *("s3", "vpc", "rds", "eventbridge", "parameter", "iam", "schema", "lambda", "results"),
    *("monitoring", "outputs"),
)
STACKS = ("tap-account", *(f"tap-{service}-{SUFFIX}" for service in SERVICES))


def owner(platform: Platform, stack: str) -> Cdktf:
    """Who deploys a stack."""
    return platform.account if stack == "tap-account" else platform.environment
