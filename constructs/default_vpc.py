"""The account's default VPC and those of its subnets that TAP can use, found by data sources."""

from cdktf import Fn, Op, TerraformSelf, Token
from cdktf_cdktf_provider_aws.data_aws_route_table import DataAwsRouteTable, DataAwsRouteTableFilter
from cdktf_cdktf_provider_aws.data_aws_route_tables import DataAwsRouteTables, DataAwsRouteTablesFilter
from cdktf_cdktf_provider_aws.data_aws_subnets import DataAwsSubnets, DataAwsSubnetsFilter
from cdktf_cdktf_provider_aws.data_aws_vpc import DataAwsVpc
from cdktf_cdktf_provider_aws.data_aws_vpc_endpoint_service import DataAwsVpcEndpointService
from cdktf_cdktf_provider_aws.data_aws_vpcs import DataAwsVpcs, DataAwsVpcsFilter

from constructs import Construct
from constructs.validation import require_range, required


class DefaultVpc(Construct):
    """The default VPC with its default subnets in those availability zones that all `endpoint_services` support.

    AWS refuses an interface endpoint, and a function, in a zone that its service does not support.
    `endpoint_services`: AWS's short names, `ssm` for one. `zones`: of how many zones `chosen_subnet_ids` is, 2 to 6.
    A plan fails with a sentence if there is no default VPC, or if it has fewer subnets than that.
    Raises ValueError if `zones` is out of range.
    """

    vpc: DataAwsVpc
    subnet_ids: list[str]
    """All of them."""
    chosen_subnet_ids: list[str]
    """Those of as many zones as are paid for."""

    def __init__(self, scope: Construct, id: str, *, endpoint_services: tuple[str, ...], zones: int) -> None:
        super().__init__(scope, id)
        # RDS wants subnets in two zones; no region has more than six.
        require_range("zones", zones, 2, 6, "availability zones")
        # Asked before `data.aws_vpc`, which fails in words of its own where there is none.
        found = DataAwsVpcs(
            self,
            "Vpcs",
            filter=[DataAwsVpcsFilter(name="is-default", values=["true"])],
            lifecycle=required(
                Op.eq(Fn.length_of(TerraformSelf.get_any("ids")), 1),
                "This account has no default VPC in this region: make one with `aws ec2 create-default-vpc`,"
                " or choose another region.",
            ),
        )
        self.vpc = DataAwsVpc(self, "Vpc", default=True, depends_on=[found])
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
            lifecycle=required(
                Op.gte(Fn.length_of(TerraformSelf.get_any("ids")), zones),
                f"The default VPC has default subnets in fewer than {zones} availability zones that TAP can use: make"
                " them with `aws ec2 create-default-subnet --availability-zone ZONE`, and lower `zones` in [account] of"
                " environments.toml if it is more than 2.",
            ),
        )
        self.subnet_ids = subnets.ids
        # Sorted: AWS lists them in any order, and functions must not move from one plan to the next.
        self.chosen_subnet_ids = Token.as_list(Fn.slice(Fn.sort(subnets.ids), 0, zones))

    def route_table_ids(self) -> list[str]:
        """The route tables of the subnets: the main one, and those that some of the subnets have to themselves."""
        main = DataAwsRouteTable(
            self,
            "MainRouteTable",
            vpc_id=self.vpc.id,
            filter=[DataAwsRouteTableFilter(name="association.main", values=["true"])],
        )
        own = DataAwsRouteTables(
            self,
            "OwnRouteTables",
            vpc_id=self.vpc.id,
            filter=[DataAwsRouteTablesFilter(name="association.subnet-id", values=self.subnet_ids)],
        )
        return Token.as_list(Fn.distinct(Token.as_list(Fn.concat([[main.route_table_id], own.ids]))))
