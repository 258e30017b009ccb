"""What exists once per account and region, because all environments share it or the default VPC."""

from collections.abc import Sequence

from cdktf import Fn, Op, TerraformIterator, TerraformOutput, TerraformSelf, Token
from cdktf_cdktf_provider_aws.cloudwatch_log_resource_policy import CloudwatchLogResourcePolicy
from cdktf_cdktf_provider_aws.data_aws_iam_policy_document import (
    DataAwsIamPolicyDocument,
    DataAwsIamPolicyDocumentStatement,
    DataAwsIamPolicyDocumentStatementCondition,
    DataAwsIamPolicyDocumentStatementPrincipals,
)
from cdktf_cdktf_provider_aws.data_aws_vpc_endpoint import DataAwsVpcEndpoint
from cdktf_cdktf_provider_aws.iam_openid_connect_provider import IamOpenidConnectProvider
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.vpc_endpoint import VpcEndpoint
from cdktf_cdktf_provider_aws.vpc_security_group_egress_rule import VpcSecurityGroupEgressRule
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule

from constructs import Construct
from constructs.access_log_bucket import AccessLogBucket
from constructs.account_key import AccountKey
from constructs.caller import Caller
from constructs.default_vpc import DefaultVpc
from constructs.interface_endpoint import InterfaceEndpoint
from constructs.secure_bucket import SecureBucket
from constructs.security_group import SecurityGroup
from constructs.validation import required
from stacks.base import TapStack
from stacks.endpoint_services import INTERFACE_ENDPOINTS, ZONE_SERVICES
from stacks.names import (
    ACCOUNT_KEY_ALIAS,
    EVENT_LOG_POLICY,
    MaxLength,
    access_log_bucket_name,
    resource_name,
    state_bucket_name,
)
from stacks.served_region import require_served_region
from stacks.settings import AccountSettings
from stacks.uploaders import Issuer

CLIENT_SECURITY_GROUP_NAME = resource_name("endpoint-client", "account", MaxLength.SECURITY_GROUP)

_STATE_RETENTION = 365  # days that replaced states can be got back
_ACCESS_LOG_RETENTION = 365  # days


class AccountStack(TapStack):
    """State bucket, access logs, key of logs and topics, VPC endpoints, EventBridge's permission to write logs, and the
    OpenID Connect providers of those who upload.

    Environments find these by data sources (`account_lookup.py`), never by cross-stack reference, so that an
    environment is deployed and destroyed alone.
    """

    bucket: S3Bucket

    def __init__(
        self,
        scope: Construct,
        *,
        state_bucket: str | None,
        account: AccountSettings,
        oidc_issuers: Sequence[Issuer] = (),
    ) -> None:
        super().__init__(scope, "account", suffix=None, state_bucket=state_bucket)
        require_served_region(self)
        self._caller = Caller(self, "Caller")
        self._default_vpc = DefaultVpc(self, "DefaultVpc", endpoint_services=ZONE_SERVICES, zones=account.zones)
        self._clients = self._security_group(
            "EndpointClients", CLIENT_SECURITY_GROUP_NAME, "Who may use the VPC endpoints of TAP"
        )
        AccountKey(
            self,
            "LogKey",  # part of its address, and Terraform would make another key under another one
            alias=ACCOUNT_KEY_ALIAS,
            log_groups="/aws/*/tap-*",
            topics="tap-*",
            alarms="tap-*",
            caller=self._caller,
        )
        self.bucket = SecureBucket(
            self,
            "State",
            name=state_bucket_name(self._caller.region, self._caller.account_id),
            component="state",
            version_retention=_STATE_RETENTION,
            access_log_bucket=self._access_log_bucket(),
            # What Terraform's S3 backend asks for with every state that it writes.
            encryption="AES256",
            prevent_destroy=True,
        ).bucket
        TerraformOutput(self, "state_bucket", value=self.bucket.bucket, description="What to set TF_STATE_BUCKET to")
        self._add_s3_endpoint(account.s3_vpc_endpoint_id)
        self._add_interface_endpoints({"ssm": account.ssm_vpc_endpoint_id, "events": account.events_vpc_endpoint_id})
        self._add_log_resource_policy()
        self._add_oidc_providers(oidc_issuers)

    def _security_group(self, id: str, name: str, description: str) -> SecurityGroup:
        return SecurityGroup(
            self, id, name=name, description=description, vpc_id=self._default_vpc.vpc.id, component="network"
        )

    def _access_log_bucket(self) -> str:
        name = access_log_bucket_name(self._caller.region, self._caller.account_id)
        return AccessLogBucket(
            self,
            "AccessLogs",
            name=name,
            arn=self._caller.bucket_arn(name),
            source_arn=self._caller.bucket_arn("tap-*"),
            account_id=self._caller.account_id,
            retention=_ACCESS_LOG_RETENTION,
        ).name

    def _add_s3_endpoint(self, existing: str | None) -> None:
        endpoint: DataAwsVpcEndpoint | VpcEndpoint
        # All of them: a function whose subnet has a table of its own would not find S3.
        route_table_ids = self._default_vpc.route_table_ids()
        if existing:
            its_own = Token.as_list(TerraformSelf.get_any("route_table_ids"))
            endpoint = DataAwsVpcEndpoint(
                self,
                "ExistingS3Endpoint",
                id=existing,
                lifecycle=required(
                    # Not `== 0`: cdktf 0.21 writes a zero there as `undefined`.
                    Op.lt(Fn.length_of(Fn.setsubtract(route_table_ids, its_own)), 1),
                    f"The S3 endpoint {existing} is missing in a route table of the default subnets: add it to all of"
                    " them.",
                ),
            )
        else:
            # Without a policy of its own: all that the VPC's neighbours send to S3 passes through it from now on.
            endpoint = VpcEndpoint(
                self,
                "S3Endpoint",
                service_name=self._caller.endpoint_service_name("s3"),
                vpc_endpoint_type="Gateway",
                vpc_id=self._default_vpc.vpc.id,
                route_table_ids=route_table_ids,
                tags={"Component": "network"},
            )
        self._clients.allow_to_prefix_list(endpoint.prefix_list_id, port=443, description="To S3")

    def _add_interface_endpoints(self, existing: dict[str, str | None]) -> None:
        security_group = self._security_group(
            "Endpoints",
            resource_name("endpoints", "account", MaxLength.SECURITY_GROUP),
            "The VPC endpoints of TAP: open to their clients only",
        )
        self._clients.allow_to(security_group, port=443)
        found = []
        for service, (action, resources) in INTERFACE_ENDPOINTS.items():
            if endpoint_id := existing[service]:
                found.append(DataAwsVpcEndpoint(self, f"Existing{service.title()}Endpoint", id=endpoint_id))
            else:
                InterfaceEndpoint(
                    self,
                    f"{service.title()}Endpoint",
                    service_name=self._caller.endpoint_service_name(service),
                    actions=[action],
                    resources=[self._caller.arn(service, resources)],
                    account_id=self._caller.account_id,
                    vpc_id=self._default_vpc.vpc.id,
                    subnet_ids=self._default_vpc.chosen_subnet_ids,
                    security_group_id=security_group.group.id,
                )
        if found:
            self._admit_clients_to_existing(found)

    def _admit_clients_to_existing(self, endpoints: list[DataAwsVpcEndpoint]) -> None:
        """Open both ends to every security group of the endpoints: once each, for AWS refuses a rule's duplicate."""
        all_groups = Token.as_list(Fn.concat([endpoint.security_group_ids for endpoint in endpoints]))
        groups = TerraformIterator.from_list(Token.as_list(Fn.distinct(all_groups)))
        group = Token.as_string(groups.value)
        VpcSecurityGroupEgressRule(
            self,
            "ExistingEndpointsEgress",
            for_each=groups,
            security_group_id=self._clients.group.id,
            referenced_security_group_id=group,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            description="To VPC endpoints that TAP found",
            tags={"Component": "network"},
        )
        VpcSecurityGroupIngressRule(
            self,
            "ExistingEndpointsIngress",
            for_each=groups,
            security_group_id=group,
            referenced_security_group_id=self._clients.group.id,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            description="From the functions of TAP",
            tags={"Component": "network"},
        )

    def _add_log_resource_policy(self) -> None:
        """One policy for all environments: an account may have ten per region, and EventBridge takes no role here.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-cloudwatchlogs-permissions
        """
        log_groups = self._caller.arn("logs", "log-group:/aws/events/tap-*:*")
        services = [
            DataAwsIamPolicyDocumentStatementPrincipals(
                type="Service", identifiers=["events.amazonaws.com", "delivery.logs.amazonaws.com"]
            )
        ]
        document = DataAwsIamPolicyDocument(
            self,
            "LogPolicyDocument",
            statement=[
                # CloudWatch Logs does not tell on whose behalf a stream is made, so this one has no condition.
                DataAwsIamPolicyDocumentStatement(
                    sid="CreateStreams", principals=services, actions=["logs:CreateLogStream"], resources=[log_groups]
                ),
                DataAwsIamPolicyDocumentStatement(
                    sid="PutEvents",
                    principals=services,
                    actions=["logs:PutLogEvents"],
                    resources=[log_groups],
                    condition=[
                        DataAwsIamPolicyDocumentStatementCondition(
                            test="ArnLike",
                            variable="aws:SourceArn",
                            values=[self._caller.arn("events", "rule/tap-*")],
                        )
                    ],
                ),
            ],
        )
        CloudwatchLogResourcePolicy(self, "LogPolicy", policy_name=EVENT_LOG_POLICY, policy_document=document.json)

    def _add_oidc_providers(self, issuers: Sequence[Issuer]) -> None:
        """An account has one for each issuer, whatever its regions and environments.

        Without thumbprints: IAM trusts the certificate authorities that it knows, or takes them from the issuer itself
        (https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html).
        """
        for issuer in issuers:
            IamOpenidConnectProvider(
                self,
                f"Issuer-{issuer.address.removeprefix('https://').replace('/', '-')}",
                url=issuer.address,
                client_id_list=[*issuer.audiences],
                tags={"Component": "uploads"},
            )
