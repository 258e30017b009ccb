"""The account's default VPC and those of its subnets that TAP can use, found by data sources."""

from cdktf import Fn, Token
from cdktf_cdktf_provider_aws.data_aws_subnets import DataAwsSubnets, DataAwsSubnetsFilter
from cdktf_cdktf_provider_aws.data_aws_vpc import DataAwsVpc
from cdktf_cdktf_provider_aws.data_aws_vpc_endpoint_service import DataAwsVpcEndpointService

from constructs import Construct


class DefaultVpc(Construct):
    """The default VPC with its default subnets in those availability zones that all `endpoint_services` support.

    AWS refuses an interface endpoint, and a function, in a zone that its service does not support.
    `endpoint_services`: AWS's short names, `ssm` for one.
    """

    vpc: DataAwsVpc
    subnet_ids: list[str]

    def __init__(self, scope: Construct, id: str, *, endpoint_services: tuple[str, ...]) -> None:
        super().__init__(scope, id)
        self.vpc = DataAwsVpc(self, "Vpc", default=True)
        first, *others = [
            DataAwsVpcEndpointService(
                self, f"{service.title()}Service", service=service, service_type="Interface"
            ).availability_zones
            for service in endpoint_services
        ]
        subnets = DataAwsSubnets(
            self,
            "Subnets",
            filter=[
                DataAwsSubnetsFilter(name="vpc-id", values=[self.vpc.id]),
                DataAwsSubnetsFilter(name="default-for-az", values=["true"]),
                DataAwsSubnetsFilter(
                    name="availability-zone",
                    values=Token.as_list(Fn.setintersection(first, others)),
                ),
            ],
        )
        self.subnet_ids = subnets.ids
