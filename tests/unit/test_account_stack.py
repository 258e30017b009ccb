"""What the environments of an account share, which the VPC's other inhabitants do not notice."""

from fnmatch import fnmatchcase

import pytest

from tests.unit.synthesized import Block, Platform, Stack, tls_only

STATE = "tap-state-{region}-{account}"
ACCESS_LOGS = "tap-access-logs-{region}-{account}"
CLIENTS = "${aws_security_group[tap-endpoint-client-account].id}"
ENDPOINTS = "${aws_security_group[tap-endpoints-account].id}"
TCP_443 = {"ip_protocol": "tcp", "from_port": 443, "to_port": 443}


@pytest.fixture
def account(platform: Platform) -> Stack:
    return platform["tap-account"]


@pytest.fixture
def existing(with_existing_endpoints: Platform) -> Stack:
    return with_existing_endpoints["tap-account"]


def without_text(rule: Block) -> Block:
    """A security group rule's effect."""
    return {key: value for key, value in rule.items() if key not in ("description", "tags")}


def test_holds_endpoints_their_groups_log_policy_key_state_and_access_logs(account: Stack) -> None:
    """There is nothing in the stack beyond what the design lists."""
    assert account.inventory == {
        "aws_cloudwatch_log_resource_policy": 1,
        "aws_kms_alias": 1,
        "aws_kms_key": 1,
        "aws_s3_bucket": 2,
        "aws_s3_bucket_lifecycle_configuration": 2,
        "aws_s3_bucket_logging": 1,
        "aws_s3_bucket_ownership_controls": 2,
        "aws_s3_bucket_policy": 2,
        "aws_s3_bucket_public_access_block": 2,
        "aws_s3_bucket_server_side_encryption_configuration": 2,
        "aws_s3_bucket_versioning": 2,
        "aws_security_group": 2,
        "aws_vpc_endpoint": 3,
        "aws_vpc_security_group_egress_rule": 2,
        "aws_vpc_security_group_ingress_rule": 1,
    }


class TestInterfaceEndpoints:
    @pytest.mark.parametrize("service", ["ssm", "events"])
    def test_neighbours_do_not_notice(self, account: Stack, service: str) -> None:
        """Without private DNS nobody is sent through the endpoint who was not told its name."""
        endpoint = account.resource("aws_vpc_endpoint", service_name=f"com.amazonaws.{{region}}.{service}")
        assert (endpoint["vpc_endpoint_type"], endpoint["private_dns_enabled"]) == ("Interface", False)

    @pytest.mark.parametrize("service", ["ssm", "events"])
    def test_is_in_the_default_vpc_with_the_endpoints_group(self, account: Stack, service: str) -> None:
        """Its subnets are in two zones: it costs by the hour in each."""
        endpoint = account.resource("aws_vpc_endpoint", service_name=f"com.amazonaws.{{region}}.{service}")
        assert endpoint["vpc_id"] == "${data.aws_vpc.id}"
        assert endpoint["subnet_ids"] == "${slice(sort(data.aws_subnets.ids), 0, 2)}"
        assert endpoint["security_group_ids"] == [ENDPOINTS]

    @pytest.mark.parametrize(
        ("service", "action", "resource"),
        [("ssm", "ssm:GetParameters", "parameter/tap/*"), ("events", "events:PutEvents", "event-bus/tap-*")],
    )
    def test_lets_only_the_account_do_what_the_function_does(
        self, account: Stack, service: str, action: str, resource: str
    ) -> None:
        """Nobody carries data out to another account through it, nor reads or announces what is not TAP's."""
        endpoint = account.resource("aws_vpc_endpoint", service_name=f"com.amazonaws.{{region}}.{service}")
        assert endpoint["policy"] == [
            {
                "Effect": "Allow",
                "Principal": {"*": ["*"]},
                "Action": [action],
                "Resource": [f"arn:{{partition}}:{service}:{{region}}:{{account}}:{resource}"],
                "Condition": {"StringEquals": {"aws:PrincipalAccount": ["{account}"]}},
            }
        ]

    def test_subnets_are_default_ones_in_supported_zones(self, account: Stack) -> None:
        """AWS refuses an endpoint in a zone that its service does not support; the emulator does not."""
        zones = account.data_source("aws_subnets")["filter"][2]
        assert zones["name"] == "availability-zone"
        assert all(f"aws_vpc_endpoint_service[{service}]" in zones["values"] for service in ("ssm", "events"))


class TestS3Endpoint:
    def test_is_a_gateway_in_every_route_table_of_the_subnets(self, account: Stack) -> None:
        """The main one, and those that some have to themselves; a gateway has no subnets or DNS, and lets all pass."""
        assert account.resource("aws_vpc_endpoint", service_name="com.amazonaws.{region}.s3") == {
            "service_name": "com.amazonaws.{region}.s3",
            "vpc_endpoint_type": "Gateway",
            "vpc_id": "${data.aws_vpc.id}",
            "route_table_ids": (
                "${distinct(concat([data.aws_route_table.route_table_id], data.aws_route_tables.ids))}"
            ),
            "tags": {"Component": "network"},
        }

    def test_main_route_table_is_the_default_vpcs(self, account: Stack) -> None:
        """It is found by its association, not by an id."""
        assert account.data_source("aws_route_table") == {
            "vpc_id": "${data.aws_vpc.id}",
            "filter": [{"name": "association.main", "values": ["true"]}],
        }


class TestSecurityGroups:
    def test_endpoints_admit_their_clients_only(self, account: Stack) -> None:
        """The one way in is from the client group, on 443."""
        assert [without_text(rule) for rule in account.resources("aws_vpc_security_group_ingress_rule")] == [
            {"security_group_id": ENDPOINTS, "referenced_security_group_id": CLIENTS, **TCP_443}
        ]

    def test_clients_reach_the_endpoints_and_s3_only(self, account: Stack) -> None:
        """The endpoints themselves have no way out."""
        assert [without_text(rule) for rule in account.resources("aws_vpc_security_group_egress_rule")] == [
            {"security_group_id": CLIENTS, "referenced_security_group_id": ENDPOINTS, **TCP_443},
            {
                "security_group_id": CLIENTS,
                "prefix_list_id": "${aws_vpc_endpoint[com.amazonaws.{region}.s3].prefix_list_id}",
                **TCP_443,
            },
        ]

    def test_client_group_has_the_name_by_which_environments_look_for_it(
        self, account: Stack, platform: Platform
    ) -> None:
        """The name is the only thing that the two sides agree on."""
        name = platform["tap-lambda-dev"].data_source("aws_security_group")["name"]
        assert account.resource("aws_security_group", name=name)["vpc_id"] == "${data.aws_vpc.id}"


class TestLogResourcePolicy:
    def test_eventbridge_may_write_to_the_event_log_groups(self, account: Stack) -> None:
        """Streams and lines under `/aws/events/tap-*`; the lines on behalf of rules of TAP only."""
        services = {"Service": ["events.amazonaws.com", "delivery.logs.amazonaws.com"]}
        log_groups = "arn:{partition}:logs:{region}:{account}:log-group:/aws/events/tap-*:*"
        assert account.resource("aws_cloudwatch_log_resource_policy")["policy_document"] == [
            {
                "Effect": "Allow",
                "Principal": services,
                "Action": ["logs:CreateLogStream"],
                "Resource": [log_groups],
            },
            {
                "Effect": "Allow",
                "Principal": services,
                "Action": ["logs:PutLogEvents"],
                "Resource": [log_groups],
                "Condition": {"ArnLike": {"aws:SourceArn": ["arn:{partition}:events:{region}:{account}:rule/tap-*"]}},
            },
        ]

    @pytest.mark.parametrize("suffix", ["dev", "staging", "prod", "twenty-characters-20"])
    def test_it_covers_every_environment(self, platform: Platform, suffix: str) -> None:
        """An environment needs no policy of its own, of which an account may have ten."""
        log_group = platform[f"tap-eventbridge-{suffix}"].resource("aws_cloudwatch_log_group")
        assert log_group["name"].startswith("/aws/events/tap-")


def of_bucket(account: Stack, aspect: str, bucket: str) -> Block:
    return account.resource(f"aws_s3_bucket_{aspect}", bucket=f"${{aws_s3_bucket[{bucket}].id}}")


@pytest.mark.parametrize("bucket", [STATE, ACCESS_LOGS])
class TestEveryBucket:
    def test_is_versioned(self, account: Stack, bucket: str) -> None:
        """Without versions a state that went wrong, or a log that was overwritten, is gone."""
        assert of_bucket(account, "versioning", bucket)["versioning_configuration"] == {"status": "Enabled"}

    def test_is_private(self, account: Stack, bucket: str) -> None:
        """No ACL and no policy can open it."""
        block = of_bucket(account, "public_access_block", bucket)
        assert [value for key, value in block.items() if key != "bucket"] == [True] * 4

    def test_is_encrypted_by_s3(self, account: Stack, bucket: str) -> None:
        """As Terraform's backend asks for, and as S3 delivers its logs."""
        rule = {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}
        assert of_bucket(account, "server_side_encryption_configuration", bucket)["rule"] == [rule]


class TestAccessLogs:
    def test_only_s3_may_write_them_for_the_buckets_of_tap(self, account: Stack) -> None:
        """Over TLS, and on behalf of this account: nobody forges a log, and no stranger fills the bucket."""
        arn = f"${{aws_s3_bucket[{ACCESS_LOGS}].arn}}"
        assert of_bucket(account, "policy", ACCESS_LOGS)["policy"] == [
            {
                "Effect": "Allow",
                "Principal": {"Service": ["logging.s3.amazonaws.com"]},
                "Action": ["s3:PutObject"],
                "Resource": ["arn:{partition}:s3:::tap-access-logs-{region}-{account}/*"],
                "Condition": {
                    "ArnLike": {"aws:SourceArn": ["arn:{partition}:s3:::tap-*"]},
                    "StringEquals": {"aws:SourceAccount": ["{account}"]},
                },
            },
            tls_only("s3:*", arn, f"{arn}/*"),
        ]

    def test_go_after_a_year(self, account: Stack) -> None:
        """Logs would otherwise grow for ever."""
        (rule,) = of_bucket(account, "lifecycle_configuration", ACCESS_LOGS)["rule"]
        assert (rule["expiration"], rule["noncurrent_version_expiration"]) == (
            [{"days": 365}],
            [{"noncurrent_days": 7}],
        )

    def test_bucket_has_the_name_by_which_environments_look_for_it(self, account: Stack, platform: Platform) -> None:
        """The name is the only thing that the two sides agree on."""
        name = platform["tap-s3-dev"].data_source("aws_s3_bucket")["bucket"]
        assert account.resource("aws_s3_bucket", bucket=name)["force_destroy"] is False

    def test_the_state_bucket_is_logged_once_s3_may_write(self, account: Stack) -> None:
        """The reference to the policy makes the order: S3 refuses a target to which it may not write."""
        assert account.resources("aws_s3_bucket_logging") == [
            {
                "bucket": f"${{aws_s3_bucket[{STATE}].id}}",
                "target_bucket": f"${{aws_s3_bucket_policy[{ACCESS_LOGS}].bucket}}",
                "target_prefix": f"${{aws_s3_bucket[{STATE}].bucket}}/",
            }
        ]


class TestAccountKey:
    def test_is_rotated_and_stays(self, account: Stack) -> None:
        """Terraform refuses to destroy it; if somebody else does, KMS waits for a month."""
        key = account.resource("aws_kms_key")
        assert (key["enable_key_rotation"], key["deletion_window_in_days"]) == (True, 30)
        assert key["lifecycle"] == {"prevent_destroy": True}

    def test_only_the_account_and_its_logs_and_topics_of_tap_may_use_it(self, account: Stack) -> None:
        """The account's own policies decide about people; services have it for what is TAP's.

        EventBridge tells KMS no source, and with a condition on one nothing would reach a topic.
        """
        of_our_topics = {"kms:EncryptionContext:aws:sns:topicArn": ["arn:{partition}:sns:{region}:{account}:tap-*"]}
        assert account.resource("aws_kms_key")["policy"] == [
            {
                "Effect": "Allow",
                "Principal": {"AWS": ["arn:{partition}:iam::{account}:root"]},
                "Action": ["kms:*"],
                "Resource": ["*"],
            },
            {
                "Effect": "Allow",
                "Principal": {"Service": ["logs.{region}.amazonaws.com"]},
                "Action": ["kms:Decrypt", "kms:Describe*", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                "Resource": ["*"],
                "Condition": {
                    "ArnLike": {
                        "kms:EncryptionContext:aws:logs:arn": [
                            "arn:{partition}:logs:{region}:{account}:log-group:/aws/*/tap-*"
                        ]
                    }
                },
            },
            {
                "Effect": "Allow",
                "Principal": {"Service": ["cloudwatch.amazonaws.com"]},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                "Resource": ["*"],
                "Condition": {
                    "ArnLike": {
                        **of_our_topics,
                        "aws:SourceArn": ["arn:{partition}:cloudwatch:{region}:{account}:alarm:tap-*"],
                    },
                    "StringEquals": {"aws:SourceAccount": ["{account}"]},
                },
            },
            {
                "Effect": "Allow",
                "Principal": {"Service": ["events.amazonaws.com"]},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                "Resource": ["*"],
                "Condition": {"ArnLike": of_our_topics},
            },
        ]

    def test_has_the_alias_by_which_environments_look_for_it(self, account: Stack, platform: Platform) -> None:
        """The alias is the only thing that the two sides agree on."""
        names = {
            source["name"]
            for service in ("eventbridge", "lambda", "monitoring", "rds")
            for source in platform[f"tap-{service}-dev"].data_sources("aws_kms_alias")
        }
        alias = account.resource("aws_kms_alias")
        assert {alias["name"]} == names
        assert alias["target_key_id"] == "${aws_kms_key.key_id}"

    def test_covers_every_log_group(self, platform: Platform) -> None:
        """CloudWatch Logs refuses a group whose name the key's policy does not know; the emulator does not."""
        groups = [group for stack in platform.values() for group in stack.resources("aws_cloudwatch_log_group")]
        assert groups
        assert not [group["name"] for group in groups if not fnmatchcase(group["name"], "/aws/*/tap-*")]


class TestStateBucket:
    def test_terraform_refuses_to_destroy_it(self, account: Stack) -> None:
        """It holds what all environments stand on, and is never emptied."""
        bucket = account.resource("aws_s3_bucket", bucket=STATE)
        assert bucket["lifecycle"] == {"prevent_destroy": True}
        assert bucket["force_destroy"] is False

    def test_keeps_replaced_states_for_a_year(self, account: Stack) -> None:
        """A state that went wrong can be got back."""
        (rule,) = of_bucket(account, "lifecycle_configuration", STATE)["rule"]
        assert rule["noncurrent_version_expiration"] == [{"noncurrent_days": 365}]

    def test_is_reached_over_tls_only(self, account: Stack) -> None:
        """The policy refuses everybody without TLS."""
        arn = f"${{aws_s3_bucket[{STATE}].arn}}"
        assert of_bucket(account, "policy", STATE)["policy"] == [tls_only("s3:*", arn, f"{arn}/*")]

    def test_its_name_is_an_output(self, account: Stack) -> None:
        """It is what TF_STATE_BUCKET is to be set to."""
        assert (
            account.read(account.document["output"]["state_bucket"]["value"]) == f"${{aws_s3_bucket[{STATE}].bucket}}"
        )


class TestExistingEndpoints:
    def test_no_endpoint_is_made(self, existing: Stack) -> None:
        """A VPC takes one S3 gateway per route table, and one private name per service."""
        assert existing.resources("aws_vpc_endpoint") == []

    def test_they_are_found_by_their_ids(self, existing: Stack) -> None:
        """The ids come from the settings."""
        assert {endpoint["id"] for endpoint in existing.data_sources("aws_vpc_endpoint")} == {
            "vpce-00000000000000053",
            "vpce-000000000000055e",
            "vpce-0000000000000e7e",
        }

    def test_clients_reach_s3_through_the_existing_gateways_prefix_list(self, existing: Stack) -> None:
        """The egress rule names the existing endpoint's list."""
        (rule,) = [r for r in existing.resources("aws_vpc_security_group_egress_rule") if "prefix_list_id" in r]
        assert without_text(rule) == {
            "security_group_id": CLIENTS,
            "prefix_list_id": "${data.aws_vpc_endpoint.prefix_list_id}",
            **TCP_443,
        }

    def test_their_security_groups_admit_the_clients(self, existing: Stack) -> None:
        """Each group of an existing interface endpoint is opened to the clients on 443, and to nobody else."""
        rules = [r for r in existing.resources("aws_vpc_security_group_ingress_rule") if "for_each" in r]
        assert rules
        for rule in rules:
            assert rule.pop("for_each")
            assert without_text(rule) == {
                "security_group_id": "${each.value}",
                "referenced_security_group_id": CLIENTS,
                **TCP_443,
            }

    def test_clients_reach_their_security_groups(self, existing: Stack) -> None:
        """The clients' egress names the groups of the existing endpoints."""
        rules = [r for r in existing.resources("aws_vpc_security_group_egress_rule") if "for_each" in r]
        assert rules
        for rule in rules:
            assert rule.pop("for_each")
            assert without_text(rule) == {
                "security_group_id": CLIENTS,
                "referenced_security_group_id": "${each.value}",
                **TCP_443,
            }

    @pytest.mark.parametrize("direction", ["ingress", "egress"])
    def test_a_group_that_endpoints_share_is_opened_once(self, existing: Stack, direction: str) -> None:
        """AWS refuses the same rule a second time: one resource goes over the groups of all endpoints."""
        rules = existing.resources(f"aws_vpc_security_group_{direction}_rule")
        (groups,) = [rule["for_each"] for rule in rules if "for_each" in rule]
        assert groups.count("data.aws_vpc_endpoint.security_group_ids") == 2
