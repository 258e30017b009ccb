"""What an environment finds of the account stack: by data sources, so that it stands and falls alone."""

from cdktf_cdktf_provider_aws.data_aws_kms_alias import DataAwsKmsAlias
from cdktf_cdktf_provider_aws.data_aws_security_group import DataAwsSecurityGroup
from cdktf_cdktf_provider_aws.data_aws_vpc_endpoint import DataAwsVpcEndpoint

from constructs import Construct
from constructs.caller import Caller
from stacks.account_stack import CLIENT_SECURITY_GROUP_NAME
from stacks.names import ACCOUNT_KEY_ALIAS, ACCOUNT_STACK
from stacks.settings import AccountSettings


def account_key_arn(scope: Construct) -> str:
    """The key of the account stack, under which log groups, topics and the functions' environments are encrypted."""
    return DataAwsKmsAlias(scope, "AccountKey", name=ACCOUNT_KEY_ALIAS).target_key_arn


class AccountLookup(Construct):
    """The security group that admits a function to the VPC endpoints, and the URLs of these."""

    client_security_group_id: str

    def __init__(self, scope: Construct, id: str, *, vpc_id: str, account: AccountSettings) -> None:
        super().__init__(scope, id)
        self._caller = Caller(self, "Caller")
        self._vpc_id = vpc_id
        self.client_security_group_id = DataAwsSecurityGroup(
            self, "EndpointClients", name=CLIENT_SECURITY_GROUP_NAME, vpc_id=vpc_id
        ).id
        self._existing = {"ssm": account.ssm_vpc_endpoint_id, "events": account.events_vpc_endpoint_id}

    def endpoint_url(self, service: str) -> str:
        """The URL of the endpoint of `ssm` or `events`; to be asked for once each."""
        existing = self._existing[service]
        name = f"{service.title()}Endpoint"
        if existing:
            endpoint = DataAwsVpcEndpoint(self, name, id=existing)
        else:
            endpoint = DataAwsVpcEndpoint(
                self,
                name,
                vpc_id=self._vpc_id,
                service_name=self._caller.endpoint_service_name(service),
                # The VPC may have other endpoints of the service: this is the one that the account stack made.
                tags={"Stack": ACCOUNT_STACK},
            )
        return f"https://{endpoint.dns_entry.get(0).dns_name}"
