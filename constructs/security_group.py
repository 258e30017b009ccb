"""A security group that starts closed; every opening names the other side and one TCP port."""

from cdktf_cdktf_provider_aws.security_group import SecurityGroup as AwsSecurityGroup
from cdktf_cdktf_provider_aws.vpc_security_group_egress_rule import VpcSecurityGroupEgressRule
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule

from constructs import Construct


class SecurityGroup(Construct):
    """A security group without rules: nothing in, nothing out. There is no way to open it to an address range."""

    group: AwsSecurityGroup
    component: str

    def __init__(self, scope: Construct, id: str, *, name: str, description: str, vpc_id: str, component: str) -> None:
        super().__init__(scope, id)
        self.component = component
        self.group = AwsSecurityGroup(
            self,
            "Group",
            name=name,
            description=description,
            vpc_id=vpc_id,
            tags={"Component": component, "Name": name},
        )

    def allow_to(self, peer: "SecurityGroup", *, port: int) -> None:
        """Let members of this group open TCP connections to members of `peer` on `port`, and open both ends for it.

        The rules are told apart by the port: another one is opened beside the first, and never takes its place.
        """
        VpcSecurityGroupEgressRule(
            self,
            f"To{peer.node.id}{port}",
            security_group_id=self.group.id,
            referenced_security_group_id=peer.group.id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=f"To {peer.node.id}",
            tags={"Component": self.component},
        )
        _admit(peer, f"From{self.node.id}{port}", self.group.id, port=port, description=f"From {self.node.id}")

    def allow_from_existing(self, group_id: str, *, port: int, description: str) -> None:
        """Let members of a group that somebody else keeps open TCP connections to members of this one on `port`.

        The way out of that group is its keeper's business.
        """
        _admit(self, f"FromExisting{port}", group_id, port=port, description=description)

    def allow_to_prefix_list(self, prefix_list_id: str, *, port: int, description: str) -> None:
        """Let members of this group open TCP connections to the addresses of a managed prefix list on `port`."""
        VpcSecurityGroupEgressRule(
            self,
            "ToPrefixList",
            security_group_id=self.group.id,
            prefix_list_id=prefix_list_id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=description,
            tags={"Component": self.component},
        )


def _admit(to: SecurityGroup, id: str, group_id: str, *, port: int, description: str) -> None:
    VpcSecurityGroupIngressRule(
        to,
        id,
        security_group_id=to.group.id,
        referenced_security_group_id=group_id,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        description=description,
        tags={"Component": to.component},
    )
