"""A plan fails in a region whose databases the function cannot trust."""

from cdktf import Fn, TerraformSelf
from cdktf_cdktf_provider_aws.data_aws_region import DataAwsRegion

from constructs import Construct
from constructs.validation import required
from stacks.rds_authorities import served_regions


def require_served_region(scope: Construct) -> None:
    """Let the plan fail, with the remedy, in a region where the function would refuse every database."""
    DataAwsRegion(
        scope,
        "ServedRegion",
        lifecycle=required(
            Fn.contains(served_regions(), TerraformSelf.get_string("name")),
            "The certificate authorities in handler/rds-ca-bundle.pem serve no database of this region, and the"
            " function would refuse it: fetch AWS's current ones with `make rds-ca-bundle`, and commit them.",
        ),
    )
