"""Who deploys, and where: found by data sources, so that no account or region id stands in the code."""

from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from cdktf_cdktf_provider_aws.data_aws_region import DataAwsRegion

from constructs import Construct


class Caller(Construct):
    """The account, region and partition that Terraform works in."""

    account_id: str
    region: str
    partition: str

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self.account_id = DataAwsCallerIdentity(self, "Identity").account_id
        self.region = DataAwsRegion(self, "Region").name
        self.partition = DataAwsPartition(self, "Partition").partition

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this account in this region, by its name."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"

    def bucket_arn(self, bucket: str) -> str:
        """The ARN of a bucket by its name, which knows neither account nor region."""
        return f"arn:{self.partition}:s3:::{bucket}"

    def endpoint_service_name(self, service: str) -> str:
        """What VPC endpoints of an AWS service in this region call it: `com.amazonaws.{region}.{service}`."""
        return f"com.amazonaws.{self.region}.{service}"
