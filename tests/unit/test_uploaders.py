"""CI jobs get a role for each uploader of the settings: for their own folders, and for nobody else's tokens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cdktf import TerraformStack

from constructs.upload_role import UploadRole
from handler.upload_roles import upload_role
from stacks.settings import Settings, SettingsError
from stacks.uploaders import Issuer, Uploader
from tests.unit.conftest import Synthesize
from tests.unit.synthesized import Block, Platform

GITHUB = "https://token.actions.githubusercontent.com"
TABLES: dict[str, dict[str, Any]] = {
    "dev": {
        "uploaders": {
            "shop": {"github": ["acme/shop", "acme@7/shop-front@42"]},
            "mobile": {"projects": ["ios", "Android_2"], "gitlab": ["acme/apps/mobile"]},
        }
    },
    "prod": {
        "uploaders": {
            "core": {"gitlab": ["acme/core"], "issuer": "https://git.acme.com"},
            "build": {
                "issuer": "https://agent.buildkite.com",
                "subjects": ["organization:acme:pipeline:build:*"],
                "audience": "tap",
            },
        }
    },
}


@pytest.fixture(scope="module")
def platform(synthesize: Synthesize) -> Platform:
    """Of `dev` alone, and the account."""
    return synthesize({}, TABLES)


def read(table: dict[str, Any], name: str = "shop") -> Uploader:
    """What the settings make of a table `[dev.uploaders.NAME]`."""
    [environment] = Settings.read({}, {"dev": {"uploaders": {name: table}}}).environments
    [uploader] = environment.uploaders
    return uploader


def trust(stack: str, role: str, platform: Platform) -> Block:
    policy: list[Block] = platform[stack].resource("aws_iam_role", name=role)["assume_role_policy"]
    [statement] = policy
    return statement


def test_without_uploaders_nobody_is_let_in(synthesize: Synthesize) -> None:
    """Neither a role nor a provider, which would be an account's only one for its issuer."""
    platform = synthesize({}, {})
    roles = {role["name"] for role in platform["tap-iam-dev"].resources("aws_iam_role")}
    assert roles == {"tap-lambda-dev", "tap-schema-dev", "tap-results-dev"}
    assert platform["tap-account"].resources("aws_iam_openid_connect_provider") == []


def test_the_jobs_of_repositories_alone_take_the_role(platform: Platform) -> None:
    """With a token for AWS; `acme/shop-evil` is another repository."""
    assert trust("tap-iam-dev", "tap-upload-shop-dev", platform) == {
        "Effect": "Allow",
        "Principal": {
            "Federated": [f"${{data.aws_iam_openid_connect_provider[{GITHUB}].arn}}"],
        },
        "Action": ["sts:AssumeRoleWithWebIdentity"],
        "Condition": {
            "StringEquals": {"token.actions.githubusercontent.com:aud": ["sts.amazonaws.com"]},
            "StringLike": {
                "token.actions.githubusercontent.com:sub": ["repo:acme/shop:*", "repo:acme@7/shop-front@42:*"]
            },
        },
    }


def test_role_uploads_to_its_folders_and_opens_the_results(platform: Platform) -> None:
    """It neither lists nor reads the bucket, and invokes the function in no other way."""
    results = "arn:{partition}:lambda:{region}:{account}:function:tap-results-dev"
    bucket = "${aws_s3_bucket[tap-uploads-dev-{account}].arn}"
    policy = platform["tap-iam-dev"].resource("aws_iam_role_policy", name="tap-upload-mobile-dev")
    assert policy["role"] == "${aws_iam_role[tap-upload-mobile-dev].id}"
    assert policy["policy"] == [
        {
            "Effect": "Allow",
            "Action": ["s3:PutObject"],
            "Resource": [f"{bucket}/ios/*", f"{bucket}/Android_2/*"],
        },
        {
            "Effect": "Allow",
            "Action": ["lambda:InvokeFunctionUrl"],
            "Resource": [results],
            "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": ["AWS_IAM"]}},
        },
        {
            "Effect": "Allow",
            "Action": ["lambda:InvokeFunction"],
            "Resource": [results],
            "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": ["true"]}},
        },
    ]


def test_account_has_a_provider_for_each_issuer_of_all_environments(platform: Platform) -> None:
    """Whatever is deployed at the moment: that of `prod` is not to go when `dev` is deployed."""
    providers = platform["tap-account"].resources("aws_iam_openid_connect_provider")
    assert {provider["url"]: provider["client_id_list"] for provider in providers} == {
        "https://agent.buildkite.com": ["tap"],
        "https://git.acme.com": ["sts.amazonaws.com"],
        "https://gitlab.com": ["sts.amazonaws.com"],
        GITHUB: ["sts.amazonaws.com"],
    }


def test_a_provider_that_is_there_is_not_made() -> None:
    """IAM takes one for each issuer; its ARN names the issuer."""
    arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    settings = Settings.read({}, {**TABLES, "account": {"oidc_provider_arns": [arn]}})
    assert [issuer.address for issuer in settings.oidc_issuers] == [
        "https://agent.buildkite.com",
        "https://git.acme.com",
        "https://gitlab.com",
    ]


def test_audiences_of_an_issuer_are_all_admitted() -> None:
    settings = Settings.read(
        {},
        {
            "dev": {"uploaders": {"shop": {"gitlab": ["acme/shop"], "audience": "tap"}}},
            "prod": {"uploaders": {"shop": {"gitlab": ["acme/shop"]}}},
        },
    )
    assert settings.oidc_issuers == (Issuer(address="https://gitlab.com", audiences=("sts.amazonaws.com", "tap")),)


def test_database_is_told_whose_folders_they_are(platform: Platform) -> None:
    """By the names of the roles, as the results function sees them of its callers."""
    told = json.loads(platform["tap-schema-dev"].resource("aws_lambda_invocation")["input"])["uploaders"]
    assert told == {"tap-upload-shop-dev": ["shop"], "tap-upload-mobile-dev": ["ios", "Android_2"]}
    for role in told:
        assert upload_role(f"arn:aws:sts::123456789012:assumed-role/{role}/GitHubActions") == role


def test_arns_of_the_roles_are_an_output(platform: Platform) -> None:
    """By the names of the uploaders: jobs are to be told."""
    outputs = platform["tap-outputs-dev"]
    assert outputs.read(outputs.document["output"]["upload_role_arns"]["value"]) == {
        "shop": "${aws_iam_role[tap-upload-shop-dev].arn}",
        "mobile": "${aws_iam_role[tap-upload-mobile-dev].arn}",
    }


@pytest.mark.parametrize(
    "caller",
    [
        "arn:aws:iam::123456789012:user/tap-upload-shop-dev",
        "arn:aws:sts::123456789012:assumed-role/viewer/tap-upload-shop-dev",
        "arn:aws:sts::123456789012:assumed-role/tap-results-dev/session",
        "arn:aws:iam::123456789012:root",
    ],
)
def test_other_callers_have_no_such_role(caller: str) -> None:
    assert upload_role(caller) is None


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"github": ["a/b"]}, (("shop",), GITHUB, ("repo:a/b:*",), "sts.amazonaws.com")),
        (
            {"gitlab": ["a/b"], "issuer": "https://git.acme.com/x", "projects": ["p", "p"], "audience": "https://a"},
            (("p",), "https://git.acme.com/x", ("project_path:a/b:*",), "https://a"),
        ),
        (
            {"subjects": ["system:serviceaccount:ci:*"], "issuer": "https://k8s.acme.com"},
            (("shop",), "https://k8s.acme.com", ("system:serviceaccount:ci:*",), "sts.amazonaws.com"),
        ),
    ],
)
def test_table(table: dict[str, Any], expected: tuple[object, ...]) -> None:
    """The project is called as the uploader unless it says otherwise."""
    uploader = read(table)
    assert (uploader.projects, uploader.issuer, uploader.subjects, uploader.audience) == expected


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({}, "say who may upload: by github, by gitlab, or by issuer and subjects, one of them"),
        (
            {"github": ["a/b"], "gitlab": ["a/b"]},
            "say who may upload: by github, by gitlab, or by issuer and subjects, one of them",
        ),
        (
            {"repo": "a/b"},
            "there is no setting 'repo': it may have projects, github, gitlab, issuer, subjects, audience",
        ),
        ({"github": "a/b"}, "github = 'a/b' is not valid: give a list of repositories (acme/shop)"),
        ({"github": []}, "github = [] is not valid: give a list of repositories (acme/shop)"),
        ({"github": ["acme/*"]}, "github = 'acme/*' is not valid: give repositories (acme/shop)"),
        ({"github": ["acme"]}, "github = 'acme' is not valid: give repositories (acme/shop)"),
        (
            {"github": ["a/b"], "issuer": "https://x.y"},
            "github has an issuer of its own: leave issuer out, or give subjects instead of github",
        ),
        ({"gitlab": ["a/b:*"]}, "gitlab = 'a/b:*' is not valid: give paths of projects (acme/shop)"),
        (
            {"subjects": ["*"], "issuer": "https://x.y"},
            "subjects = '*' is not valid: give what the tokens have as sub, of which * is not the beginning",
        ),
        (
            {"subjects": ["${a}"], "issuer": "https://x.y"},
            "subjects = '${a}' is not valid: give what the tokens have as sub, of which * is not the beginning",
        ),
        (
            {"subjects": ["a:b"]},
            "issuer = None is not valid: give the address of an OpenID Connect issuer (https://ci.example.com)",
        ),
        (
            {"subjects": ["a:b"], "issuer": "http://ci.acme.com"},
            "issuer = 'http://ci.acme.com' is not valid: give the address of an OpenID Connect issuer"
            " (https://ci.example.com)",
        ),
        (
            {"github": ["a/b"], "projects": ["shop*"]},
            "projects = 'shop*' is not valid: give the names of projects",
        ),
        ({"github": ["a/b"], "projects": ["a/b"]}, "projects = 'a/b' is not valid: give the names of projects"),
        ({"github": ["a/b"], "audience": "*"}, "audience = '*' is not valid: give a text without blanks"),
    ],
)
def test_invalid_table(table: dict[str, Any], sentence: str) -> None:
    """The message names the table, the key, the bad value and what is right."""
    with pytest.raises(SettingsError) as refused:
        read(table)
    assert str(refused.value) == f"environments.toml: [dev.uploaders.shop]: {sentence}"


@pytest.mark.parametrize("name", ["Shop", "shop_1", "-shop", "x" * 33])
def test_invalid_name(name: str) -> None:
    """It is part of the role's name."""
    with pytest.raises(SettingsError, match=r"use lower-case letters, .* at most 32 characters$"):
        read({"github": ["a/b"]}, name)


@pytest.mark.parametrize("uploaders", ["shop", ["acme/shop"], {"shop": "acme/shop"}])
def test_uploaders_are_tables(uploaders: object) -> None:
    with pytest.raises(SettingsError, match=r"give each a table, \[dev\.uploaders\.shop\]$"):
        Settings.read({}, {"dev": {"uploaders": uploaders}})


def test_no_two_roles_have_one_name() -> None:
    """The name of an uploader and the suffix of an environment may both have hyphens."""
    github = {"github": ["a/b"]}
    with pytest.raises(SettingsError) as refused:
        Settings.read({}, {"dev": {"uploaders": {"shop-eu": github}}, "eu-dev": {"uploaders": {"shop": github}}})
    assert str(refused.value) == (
        "environments.toml: the roles of [dev.uploaders.shop-eu] and [eu-dev.uploaders.shop] would have one name:"
        " rename one of them"
    )


@pytest.mark.parametrize("value", ["arn:aws:iam::1:oidc-provider/x", ["x"], "arn", [1]])
def test_invalid_provider(value: object) -> None:
    with pytest.raises(SettingsError, match=r"^environments\.toml: oidc_provider_arns .* is not valid: give "):
        Settings.read({}, {"account": {"oidc_provider_arns": value}})


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"folders": []}, "folders [] are not valid"),
        ({"folders": ["shop", "*"]}, "folders ['shop', '*'] are not valid"),
        ({"folders": [""]}, "folders [''] are not valid"),
        ({"subjects": []}, "subjects [] are too open"),
        ({"subjects": ["*:shop"]}, "subjects ['*:shop'] are too open"),
        ({"subjects": [""]}, "subjects [''] are too open"),
    ],
)
def test_open_role_is_refused(inputs: dict[str, Any], sentence: str, stack: TerraformStack) -> None:
    """Whoever uses the construct without the settings is told as well."""
    closed = {
        "name": "tap-upload-shop-dev",
        "provider_arn": "arn:aws:iam::123456789012:oidc-provider/ci.acme.com",
        "issuer": "https://ci.acme.com",
        "audience": "sts.amazonaws.com",
        "subjects": ["job:shop"],
        "bucket_arn": "arn:aws:s3:::uploads",
        "folders": ["shop"],
        "results_function_arn": "arn:aws:lambda:eu-central-1:123456789012:function:results",
    }
    with pytest.raises(ValueError, match=r".") as refused:
        UploadRole(stack, "Role", **{**closed, **inputs})
    assert str(refused.value).startswith(sentence)
