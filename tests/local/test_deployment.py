"""What a deployment waits for, read off what cdktf prints."""

import pytest

from local.deployment import Deployment

# As cdktf 0.21 and Terraform 1.11 write it, colours included, with less of it.
OUTPUT = """\
tap-vpc-dev  Initializing the backend...
tap-rds-dev  Initializing the backend...
tap-vpc-dev  Plan: 1 to add, 0 to change, 0 to destroy.
tap-vpc-dev  data.aws_vpc.Vpc (DefaultVpc/Vpc): Read complete after 0s [id=vpc-1]
tap-vpc-dev  aws_security_group.Group: Creating...
tap-vpc-dev  \x1b[1maws_security_group.Group: Creation complete after 0s [id=sg-1]\x1b[0m
             Apply complete! Resources: 1 added, 0 changed, 0 destroyed.
tap-rds-dev  Plan: 2 to add, 1 to change, 1 to destroy.
             aws_ssm_parameter.Password (Credential/Password): Modifying... [id=/tap]
             aws_db_instance.Instance (Postgres/Instance): Creating...
             aws_sqs_queue.Queue: Destroying... [id=http://queue]
tap-rds-dev  aws_ssm_parameter.Password (Credential/Password): Modifications complete after 1s [id=/tap]
tap-rds-dev  aws_vpc_security_group_egress_rule.Rule["sg-1"]: Creating...
             aws_vpc_security_group_egress_rule.Rule["sg-1"]: Creation complete after 0s [id=sgr-1]
             aws_db_instance.Instance: Still creating... [10s elapsed]
             aws_sqs_queue.Queue: Still destroying... [id=http://queue, 10s elapsed]
"""


def fed(output: str) -> Deployment:
    deployment = Deployment()
    deployment.feed(output)
    return deployment


def test_nothing_is_known_before_the_first_line() -> None:
    """cdktf synthesizes first, and prints nothing meanwhile; then it initialises one stack after the other."""
    assert str(Deployment()) == "synthesis"
    assert str(fed("tap-vpc-dev  Initializing the backend...\n")) == "initialisation"


def test_stacks_and_what_is_waited_for() -> None:
    """The resource that began first, in its stack."""
    deployment = fed(OUTPUT)
    assert (deployment.planned, deployment.changed) == (5, 3)
    assert deployment.waiting == {
        ("tap-rds-dev", "aws_db_instance.Instance"): "10s",
        ("tap-rds-dev", "aws_sqs_queue.Queue"): "10s",
    }
    assert str(deployment) == "1 of 2 stacks, tap-rds-dev: aws_db_instance 10s"


def test_end() -> None:
    """When nothing is waited for, the stacks are left."""
    deployment = fed(OUTPUT)
    deployment.feed("             aws_db_instance.Instance: Creation complete after 1m21s [id=db-1]\n")
    assert str(deployment) == "1 of 2 stacks, tap-rds-dev: aws_sqs_queue 10s"
    deployment.feed("             aws_sqs_queue.Queue: Destruction complete after 25s\n")
    assert str(deployment) == "1 of 2 stacks"
    deployment.feed("             Apply complete! Resources: 1 added, 1 changed, 1 destroyed.\n")
    assert str(deployment) == "2 of 2 stacks"


@pytest.mark.parametrize("size", [1, 7, 100])
def test_output_comes_in_pieces(size: int) -> None:
    """Whatever they are, they read the same."""
    deployment = Deployment()
    for start in range(0, len(OUTPUT), size):
        deployment.feed(OUTPUT[start : start + size])
    assert deployment == fed(OUTPUT)


def test_waits_only_for() -> None:
    """All else that was planned must have been done."""
    deployment = fed(OUTPUT)
    assert not deployment.waits_only_for("aws_db_instance")
    deployment.feed("             aws_sqs_queue.Queue: Destruction complete after 25s\n")
    assert deployment.waits_only_for("aws_db_instance")
    assert not deployment.waits_only_for("aws_sqs_queue")
    deployment.feed("tap-s3-dev  Plan: 1 to add, 0 to change, 0 to destroy.\n")
    assert not deployment.waits_only_for("aws_db_instance")
