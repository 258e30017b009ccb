"""The URL of a function in the emulated AWS: whom AWS would refuse is refused, and everybody else gets an answer."""

import base64
import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.credentials import Credentials

from local.emulator import REGION, Emulator
from tests.function_urls import ADMINISTRATORS_KEY, Request, assume, send, sign, unsigned

# Answers with the event that it was invoked with, or with what the query asks for.
SOURCE = """
import json

ANSWERS = {
    "page": {
        "statusCode": 404,
        "headers": {"Content-Type": "text/html", "X-Number": 1},
        "body": "<p>ä",
        "cookies": ["a=1", "b=2"],
    },
    "bytes": {"statusCode": 200, "headers": {"content-type": "image/png"}, "body": "iVBORw==", "isBase64Encoded": True},
    "nothing": {"statusCode": 204},
    "plain": {"anything": "else"},
    "text": "only a text",
    "malformed": {"statusCode": "two hundred"},
    "not base64": {"statusCode": 200, "body": "?", "isBase64Encoded": True},
    "a list": {"statusCode": 200, "headers": ["content-type"]},
}

def handler(event, context):
    parameters = event.get("queryStringParameters", {})
    if "size" in parameters:
        return "x" * (int(parameters["size"]) - 2)
    if "answer" in parameters:
        return ANSWERS[parameters["answer"]]
    return {"statusCode": 200, "body": json.dumps(event)}
"""
FORBIDDEN = (
    403,
    "AccessDeniedException",
    "Forbidden. For troubleshooting Function URL authorization issues, see:"
    " https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html",
)
MISMATCH = (
    403,
    "InvalidSignatureException",
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key"
    " and signing method. Consult the service documentation for details.",
)
INVALID_TOKEN = (403, "UnrecognizedClientException", "The security token included in the request is invalid.")

Statement = dict[str, Any]
Identity = Callable[..., Credentials]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    # Not below pytest's folder: it is PostgreSQL's as well.
    with tempfile.TemporaryDirectory() as path, Emulator(log=Path(path, "log"), directory=Path(path)) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def account(emulator: Emulator) -> str:
    account: str = emulator.client("sts").get_caller_identity()["Account"]
    return account


@pytest.fixture(scope="module")
def function(emulator: Emulator) -> str:
    """The function's ARN."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        package.writestr(zipfile.ZipInfo("entry.py"), SOURCE)
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="code")
    s3.put_object(Bucket="code", Key="package.zip", Body=content.getvalue())
    role = emulator.client("iam").create_role(RoleName="function", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    arn: str = emulator.client("lambda").create_function(
        FunctionName="pages",
        Runtime="python3.13",
        Role=role,
        Handler="entry.handler",
        Code={"S3Bucket": "code", "S3Key": "package.zip"},
    )["FunctionArn"]
    return arn


@pytest.fixture(scope="module")
def url(emulator: Emulator, function: str) -> str:
    answer = emulator.client("lambda").create_function_url_config(FunctionName=function, AuthType="AWS_IAM")
    url: str = answer["FunctionUrl"]
    return url


@pytest.fixture
def policy(function: str) -> list[Statement]:
    """The statements that a reader has."""
    return [
        {
            "Effect": "Allow",
            "Action": ["lambda:InvokeFunctionUrl"],
            "Resource": function,
            "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}},
        },
        {
            "Effect": "Allow",
            "Action": "lambda:InvokeFunction",
            "Resource": [function],
            "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": ["true"]}},
        },
    ]


def document(statements: list[Statement]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture
def role(emulator: Emulator, name: str) -> Identity:
    """Makes a role with these statements, and assumes it."""

    def make(statements: list[Statement], **options: Any) -> Credentials:
        iam = emulator.client("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=document(statements))
        return assume(emulator, arn, **options)

    return make


@pytest.fixture
def user(emulator: Emulator, name: str) -> Credentials:
    """A user without policies."""
    iam = emulator.client("iam")
    iam.create_user(UserName=name)
    access_key = iam.create_access_key(UserName=name)["AccessKey"]
    return Credentials(access_key["AccessKeyId"], access_key["SecretAccessKey"])


def test_url_is_as_aws_writes_it(url: str) -> None:
    """With a slash at its end."""
    assert url.startswith("https://")
    assert url.endswith(f".lambda-url.{REGION}.on.aws/")


class TestInvocation:
    """The function gets the request, and the client what the function answers."""

    def event(self, emulator: Emulator, request: Request) -> Any:
        answer = send(emulator, sign(request))
        assert answer.status == 200
        return json.loads(answer.body)

    def test_event(self, emulator: Emulator, url: str, account: str) -> None:
        """All of it, in payload format 2.0."""
        request = unsigned(
            f"{url}runs/a%20b?q=%C3%A4&q=2&empty=", cookie="a=1; b=2", user_agent="curl", accept="text/html"
        )
        before = datetime.now(UTC)
        event = self.event(emulator, request)
        host = url.removeprefix("https://").removesuffix("/")
        headers, context = event.pop("headers"), event.pop("requestContext")
        assert event == {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": "/runs/a%20b",
            "rawQueryString": "q=%C3%A4&q=2&empty=",
            "cookies": ["a=1", "b=2"],
            "queryStringParameters": {"q": "ä,2", "empty": ""},
            "isBase64Encoded": False,
        }
        added = {"x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}
        of_request = {"accept", "accept-encoding", "authorization", "host", "user-agent", "x-amz-date"}
        assert headers.keys() == added | of_request
        assert (headers["host"], headers["accept"], headers["x-forwarded-proto"]) == (host, "text/html", "https")
        assert context.pop("http") == {
            "method": "GET",
            "path": "/runs/a%20b",
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "curl",
        }
        assert abs(context.pop("timeEpoch") / 1000 - before.timestamp()) < 60
        assert datetime.strptime(context.pop("time"), "%d/%b/%Y:%H:%M:%S %z") - before < timedelta(minutes=1)
        assert len(context.pop("requestId")) == 36
        assert context == {
            "accountId": account,
            "apiId": host.partition(".")[0],
            "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "routeKey": "$default",
            "stage": "$default",
            "authorizer": {
                "iam": {
                    "accessKey": "local",
                    "accountId": account,
                    "callerId": account,
                    "cognitoIdentity": None,
                    "principalOrgId": None,
                    "userArn": f"arn:aws:iam::{account}:root",
                    "userId": account,
                }
            },
        }

    def test_event_without_what_the_request_lacks(self, emulator: Emulator, url: str) -> None:
        event = self.event(emulator, unsigned(url))
        assert event.keys() & {"cookies", "queryStringParameters", "body"} == set()
        assert (event["rawPath"], event["rawQueryString"]) == ("/", "")

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
    def test_any_method_reaches_the_function(self, emulator: Emulator, url: str, method: str) -> None:
        """It is the function that refuses one."""
        event = self.event(emulator, unsigned(url, method))
        assert event["requestContext"]["http"]["method"] == method

    @pytest.mark.parametrize(
        ("content_type", "body", "encoded"),
        [("application/json", "{}", False), ("text/plain", "ä", False), ("image/png", "iVBORw==", True)],
    )
    def test_body(self, emulator: Emulator, url: str, content_type: str, body: str, encoded: bool) -> None:
        """Bytes come in base64."""
        sent = base64.b64decode(body) if encoded else body.encode()
        event = self.event(emulator, unsigned(url, "POST", sent, content_type=content_type))
        assert (event["body"], event["isBase64Encoded"]) == (body, encoded)

    @pytest.mark.parametrize(
        ("answer", "status", "content_type", "body"),
        [
            ("page", 404, "text/html", "<p>ä".encode()),
            ("bytes", 200, "image/png", b"\x89PNG"),
            ("plain", 200, "application/json", b'{"anything": "else"}'),
            ("text", 200, "application/json", b"only a text"),
        ],
    )
    def test_answer(
        self, emulator: Emulator, url: str, answer: str, status: int, content_type: str, body: bytes
    ) -> None:
        """One without a status is the body of a 200."""
        received = send(emulator, sign(unsigned(f"{url}?answer={answer}")))
        assert (received.status, received.headers["content-type"], received.body) == (status, content_type, body)

    def test_headers_and_cookies_of_the_answer(self, emulator: Emulator, url: str) -> None:
        received = send(emulator, sign(unsigned(f"{url}?answer=page")))
        assert received.headers["x-number"] == "1"
        assert received.headers["set-cookie"] == "b=2"

    def test_answer_without_a_body(self, emulator: Emulator, url: str) -> None:
        received = send(emulator, sign(unsigned(f"{url}?answer=nothing")))
        assert (received.status, received.body) == (204, b"")

    def test_head_is_answered_without_the_body(self, emulator: Emulator, url: str) -> None:
        received = send(emulator, sign(unsigned(f"{url}?answer=page", "HEAD")))
        assert (received.status, received.headers["content-type"], received.body) == (404, "text/html", b"")

    @pytest.mark.parametrize("answer", ["unknown", "malformed", "not%20base64", "a%20list"])
    def test_function_that_fails(self, emulator: Emulator, url: str, answer: str) -> None:
        """The client is not told why; nor of an answer that is none."""
        received = send(emulator, sign(unsigned(f"{url}?answer={answer}")))
        assert (received.status, received.body) == (502, b"Internal Server Error")

    @pytest.mark.parametrize(("size", "status"), [(6_291_556, 200), (6_291_557, 502)])
    def test_size_of_the_answer(self, emulator: Emulator, url: str, size: int, status: int) -> None:
        """Lambda's limit; what is larger is the function's fault."""
        assert send(emulator, sign(unsigned(f"{url}?size={size}"))).status == status

    def test_function_says_what_was_too_large(self, emulator: Emulator, function: str) -> None:
        event = {"queryStringParameters": {"size": "6291557"}}
        error = json.load(emulator.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))["Payload"])
        assert error["errorType"] == "Function.ResponseSizeTooLarge"
        sentence = "Response payload size (6291557 bytes) exceeded maximum allowed payload size (6291556 bytes)."
        assert error["errorMessage"] == sentence


class TestSignature:
    """Who has no valid signature, or an old one, is refused; every other request is like one that is admitted."""

    @pytest.fixture
    def request_(self, url: str) -> Request:
        return sign(unsigned(f"{url}runs?project=a%20b&limit=3"))

    def test_valid(self, emulator: Emulator, request_: Request) -> None:
        assert send(emulator, request_).status == 200

    def test_unsigned(self, emulator: Emulator, request_: Request) -> None:
        assert send(emulator, request_.with_headers(authorization=None)).refusal == FORBIDDEN

    @pytest.mark.parametrize("authorization", ["Basic bG9jYWw6bG9jYWw=", "Bearer local", "", "AWS4-HMAC-SHA256 x"])
    def test_another_scheme(self, emulator: Emulator, request_: Request, authorization: str) -> None:
        refusal = (403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        assert send(emulator, request_.with_headers(authorization=authorization)).refusal == refusal

    def test_unknown_key(self, emulator: Emulator, url: str) -> None:
        stranger = Credentials("AKIAIOSFODNN7EXAMPLE", "local")
        assert send(emulator, sign(unsigned(url), stranger)).refusal == INVALID_TOKEN

    def test_wrong_secret(self, emulator: Emulator, url: str) -> None:
        assert send(emulator, sign(unsigned(url), Credentials("local", "guessed"))).refusal == MISMATCH

    def test_administrator_with_a_token(self, emulator: Emulator, url: str) -> None:
        """The key is no temporary one."""
        request = sign(unsigned(url), Credentials("local", "local", "token"))
        assert send(emulator, request).refusal == INVALID_TOKEN

    @pytest.mark.parametrize(
        "tampered",
        [
            pytest.param(lambda it: replace(it, method="DELETE"), id="method"),
            pytest.param(lambda it: replace(it, url=it.url.replace("/runs", "/tests")), id="path"),
            pytest.param(lambda it: replace(it, url=it.url.replace("limit=3", "limit=4")), id="query"),
            pytest.param(lambda it: replace(it, url=f"{it.url}&more="), id="more query"),
            pytest.param(lambda it: replace(it, body=b"more"), id="body"),
            pytest.param(lambda it: it.with_headers(accept="text/html"), id="signed header"),
            pytest.param(lambda it: it.with_headers(accept=None), id="missing header"),
            pytest.param(
                lambda it: it.with_headers(x_amz_date=f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"), id="another time"
            ),
        ],
    )
    def test_tampered(self, emulator: Emulator, url: str, tampered: Callable[[Request], Request]) -> None:
        """Everything that was signed has to arrive as it was signed."""
        request = sign(unsigned(f"{url}runs?project=a&limit=3", accept="text/plain"), age=timedelta(minutes=1))
        assert send(emulator, request).status == 200
        assert send(emulator, tampered(request)).refusal == MISMATCH

    def test_header_that_is_not_signed_may_change(self, emulator: Emulator, request_: Request) -> None:
        """What is on the way may add its own."""
        assert send(emulator, request_.with_headers(via="1.1 proxy")).status == 200

    def test_order_of_the_query_does_not_matter(self, emulator: Emulator, request_: Request) -> None:
        reordered = replace(request_, url=request_.url.replace("project=a%20b&limit=3", "limit=3&project=a%20b"))
        assert send(emulator, reordered).status == 200

    def test_query_is_signed_in_its_canonical_form(self, emulator: Emulator, url: str) -> None:
        """AWS writes `a b` as `a%20b` before it computes the signature, and so has to do who signs."""
        assert send(emulator, sign(unsigned(f"{url}?q=a%20b"))).status == 200
        assert send(emulator, sign(unsigned(f"{url}?q=a+b"))).refusal == MISMATCH
        assert send(emulator, sign(unsigned(f"{url}?q=a:b"))).refusal == MISMATCH

    def test_path_with_what_has_to_be_encoded(self, emulator: Emulator, url: str) -> None:
        assert send(emulator, sign(unsigned(f"{url}a%20b/%C3%A4"))).status == 200

    def test_hash_of_the_body(self, emulator: Emulator, url: str) -> None:
        """It may be told, and then has to be right."""
        told = {"x_amz_content_sha256": hashlib.sha256(b"body").hexdigest()}
        request = sign(unsigned(url, "POST", b"body", **told))
        assert send(emulator, request).status == 200
        assert send(emulator, replace(request, body=b"another")).refusal == MISMATCH

    @pytest.mark.parametrize(
        ("scope", "message"),
        [
            ({"service": "s3"}, "Credential should be scoped to correct service: 'lambda'."),
            ({"region": "eu-north-1"}, "Credential should be scoped to a valid region, not 'eu-north-1'."),
        ],
    )
    def test_for_something_else(self, emulator: Emulator, url: str, scope: Mapping[str, str], message: str) -> None:
        """A signature for another service or region opens nothing here."""
        refusal = send(emulator, sign(unsigned(url), **scope)).refusal  # type: ignore[arg-type]
        assert refusal == (403, "InvalidSignatureException", message)

    def test_date_of_the_scope(self, emulator: Emulator, request_: Request) -> None:
        today, yesterday = (f"/{datetime.now(UTC) - timedelta(days=days):%Y%m%d}/" for days in (0, 1))
        changed = request_.with_headers(authorization=request_.headers["authorization"].replace(today, yesterday))
        message = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP."
        assert send(emulator, changed).refusal == (403, "InvalidSignatureException", message)

    @pytest.mark.parametrize("date", [None, "yesterday", "20261399T000000Z"])
    def test_without_a_date(self, emulator: Emulator, request_: Request, date: str | None) -> None:
        message = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
        changed = request_.with_headers(x_amz_date=date)
        assert send(emulator, changed).refusal == (403, "InvalidSignatureException", message)

    @pytest.mark.parametrize("header", ["host", "x-amz-date", "x-amz-security-token"])
    def test_what_has_to_be_signed(
        self, emulator: Emulator, url: str, role: Identity, policy: list[Statement], header: str
    ) -> None:
        """Or it could be changed on the way."""
        request = sign(unsigned(url), role(policy))
        authorization = request.headers["authorization"]
        changed = authorization.replace(f";{header}", "").replace(f"{header};", "")
        assert changed != authorization
        refusal = send(emulator, request.with_headers(authorization=changed)).refusal
        assert refusal == (403, "InvalidSignatureException", f"{header} must be in SignedHeaders.")

    @pytest.mark.parametrize(
        ("minutes", "problem"), [(6, "Signature expired"), (-6, "Signature not yet current"), (4, None), (-4, None)]
    )
    def test_age(self, emulator: Emulator, url: str, minutes: int, problem: str | None) -> None:
        """Five minutes: whoever has recorded a request cannot send it again the day after."""
        answer = send(emulator, sign(unsigned(url), age=timedelta(minutes=minutes)))
        assert answer.status == (403 if problem else 200)
        if problem:
            assert answer.refusal[1] == "InvalidSignatureException"
            assert answer.refusal[2].startswith(f"{problem}: ")

    def test_another_urls_signature(self, emulator: Emulator, url: str) -> None:
        """The name of the URL is signed as well."""
        elsewhere = url.replace("https://", "https://0")
        assert send(emulator, replace(sign(unsigned(elsewhere)), url=url)).refusal == FORBIDDEN
        forged = replace(sign(unsigned(elsewhere)), url=url).with_headers(host=url[8:-1])
        assert send(emulator, forged).refusal == MISMATCH

    def test_unknown_url(self, emulator: Emulator, url: str) -> None:
        assert send(emulator, sign(unsigned(url.replace("https://", "https://0")))).refusal == FORBIDDEN


class TestSession:
    """Temporary credentials hold together with their token, and for as long as it is valid."""

    def test_valid(self, emulator: Emulator, url: str, role: Identity, policy: list[Statement]) -> None:
        assert send(emulator, sign(unsigned(url), role(policy))).status == 200

    def test_function_is_told_who_it_is(
        self, emulator: Emulator, url: str, role: Identity, policy: list[Statement], account: str, name: str
    ) -> None:
        credentials = role(policy)
        event = json.loads(send(emulator, sign(unsigned(url), credentials)).body)
        caller = event["requestContext"]["authorizer"]["iam"]
        assert (caller["accessKey"], caller["accountId"]) == (credentials.access_key, account)
        assert caller["userArn"] == f"arn:aws:sts::{account}:assumed-role/{name}/test"
        assert caller["callerId"].endswith(":test")

    @pytest.mark.parametrize("token", [None, "another", ""])
    def test_token(
        self, emulator: Emulator, url: str, role: Identity, policy: list[Statement], token: str | None
    ) -> None:
        """Missing or wrong."""
        real = role(policy)
        request = sign(unsigned(url), Credentials(real.access_key, real.secret_key, token))
        assert send(emulator, request).refusal == INVALID_TOKEN

    def test_token_of_another_session(
        self, emulator: Emulator, url: str, role: Identity, policy: list[Statement], account: str, name: str
    ) -> None:
        """Both are valid, and do not belong together."""
        one = role(policy)
        other = assume(emulator, f"arn:aws:iam::{account}:role/{name}")
        mixed = Credentials(one.access_key, one.secret_key, other.token)
        assert send(emulator, sign(unsigned(url), mixed)).refusal == INVALID_TOKEN

    def test_secret_of_another_session(
        self, emulator: Emulator, url: str, role: Identity, policy: list[Statement], account: str, name: str
    ) -> None:
        one = role(policy)
        other = assume(emulator, f"arn:aws:iam::{account}:role/{name}")
        mixed = Credentials(one.access_key, other.secret_key, one.token)
        assert send(emulator, sign(unsigned(url), mixed)).refusal == MISMATCH

    def test_expired(
        self, emulator: Emulator, url: str, role: Identity, policy: list[Statement], account: str, name: str
    ) -> None:
        """moto lets a session be as short as one likes, which the SDK does not."""
        role(policy)
        sts = another_client(emulator, "sts", ADMINISTRATORS_KEY, parameter_validation=False)
        arn = f"arn:aws:iam::{account}:role/{name}"
        session = sts.assume_role(RoleArn=arn, RoleSessionName="test", DurationSeconds=-1)["Credentials"]
        credentials = Credentials(session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
        refusal = (403, "ExpiredTokenException", "The security token included in the request is expired")
        assert send(emulator, sign(unsigned(url), credentials)).refusal == refusal

    def test_role_that_is_gone(
        self, emulator: Emulator, url: str, role: Identity, policy: list[Statement], name: str
    ) -> None:
        credentials = role(policy)
        iam = emulator.client("iam")
        iam.delete_role_policy(RoleName=name, PolicyName="inline")
        iam.delete_role(RoleName=name)
        assert send(emulator, sign(unsigned(url), credentials)).refusal == FORBIDDEN

    def test_policy_of_the_session(
        self, emulator: Emulator, url: str, role: Identity, policy: list[Statement], account: str, name: str
    ) -> None:
        """It takes away from what the role may do, and adds nothing."""
        credentials = role(policy, Policy=document(policy))
        assert send(emulator, sign(unsigned(url), credentials)).status == 200
        less = assume(emulator, f"arn:aws:iam::{account}:role/{name}", Policy=document(policy[:1]))
        assert send(emulator, sign(unsigned(url), less)).refusal == FORBIDDEN

    def test_policy_of_the_session_adds_nothing(
        self, emulator: Emulator, url: str, role: Identity, policy: list[Statement]
    ) -> None:
        credentials = role(policy[:1], Policy=document(policy))
        assert send(emulator, sign(unsigned(url), credentials)).refusal == FORBIDDEN

    def test_of_another_account(self, emulator: Emulator, url: str) -> None:
        """Whatever it may do there: the function admits nobody by itself."""
        stranger = assume(emulator, "arn:aws:iam::444455556666:role/stranger")
        iam = another_client(emulator, "iam", stranger)
        arn = iam.create_role(RoleName="stranger", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        assert arn == "arn:aws:iam::444455556666:role/stranger"
        everything = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
        iam.put_role_policy(RoleName="stranger", PolicyName="all", PolicyDocument=document(everything))
        assert send(emulator, sign(unsigned(url), stranger)).refusal == FORBIDDEN
        forged = Credentials(stranger.access_key, "guessed", stranger.token)
        assert send(emulator, sign(unsigned(url), forged)).refusal == MISMATCH


def another_client(emulator: Emulator, service: str, credentials: Credentials, **config: Any) -> Any:
    """A client that is somebody else, or configured in another way."""
    return emulator._session.client(
        service,
        endpoint_url=emulator.url,
        region_name=REGION,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token,
        config=Config(proxies={}, **config),
    )


class TestUser:
    """A user has a key for good, and policies from several places."""

    def test_inline_policy(
        self, emulator: Emulator, url: str, user: Credentials, policy: list[Statement], name: str
    ) -> None:
        assert send(emulator, sign(unsigned(url), user)).refusal == FORBIDDEN
        emulator.client("iam").put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=document(policy))
        assert send(emulator, sign(unsigned(url), user)).status == 200

    def test_managed_policy_in_its_default_version(
        self, emulator: Emulator, url: str, user: Credentials, policy: list[Statement], name: str
    ) -> None:
        iam = emulator.client("iam")
        arn = iam.create_policy(PolicyName=name, PolicyDocument=document(policy))["Policy"]["Arn"]
        iam.attach_user_policy(UserName=name, PolicyArn=arn)
        assert send(emulator, sign(unsigned(url), user)).status == 200
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(policy[1:]), SetAsDefault=True)
        assert send(emulator, sign(unsigned(url), user)).refusal == FORBIDDEN

    def test_policies_of_its_groups(
        self, emulator: Emulator, url: str, user: Credentials, policy: list[Statement], name: str
    ) -> None:
        """One statement by each kind."""
        iam = emulator.client("iam")
        iam.create_group(GroupName=name)
        iam.put_group_policy(GroupName=name, PolicyName="inline", PolicyDocument=document(policy[:1]))
        arn = iam.create_policy(PolicyName=name, PolicyDocument=document(policy[1:]))["Policy"]["Arn"]
        iam.attach_group_policy(GroupName=name, PolicyArn=arn)
        assert send(emulator, sign(unsigned(url), user)).refusal == FORBIDDEN
        iam.add_user_to_group(GroupName=name, UserName=name)
        assert send(emulator, sign(unsigned(url), user)).status == 200

    def test_key_that_was_switched_off(
        self, emulator: Emulator, url: str, user: Credentials, policy: list[Statement], name: str
    ) -> None:
        iam = emulator.client("iam")
        iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=document(policy))
        iam.update_access_key(UserName=name, AccessKeyId=user.access_key, Status="Inactive")
        assert send(emulator, sign(unsigned(url), user)).refusal == INVALID_TOKEN

    def test_key_with_a_token(
        self, emulator: Emulator, url: str, user: Credentials, policy: list[Statement], name: str
    ) -> None:
        """It has none."""
        emulator.client("iam").put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=document(policy))
        with_token = Credentials(user.access_key, user.secret_key, "token")
        assert send(emulator, sign(unsigned(url), with_token)).refusal == INVALID_TOKEN


def changed(policy: list[Statement], place: int, **elements: Any) -> list[Statement]:
    """The policy with other elements in one statement; None takes one away."""
    statement = {key: it for key, it in {**policy[place], **elements}.items() if it is not None}
    return [statement if number == place else it for number, it in enumerate(policy)]


class TestPolicy:
    """What an identity's policies have to say, before the URL opens."""

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda it, _: it, id="a reader's"),
            pytest.param(lambda it, _: changed(it, 0, Condition=None), id="no condition on the URL's type"),
            pytest.param(lambda it, _: changed(it, 1, Condition=None), id="no condition on the way"),
            pytest.param(lambda it, _: changed(it, 0, Action="lambda:Invoke*"), id="a pattern of actions"),
            pytest.param(lambda it, _: changed(it, 0, Action="LAMBDA:invokefunctionurl"), id="case of an action"),
            pytest.param(lambda it, arn: changed(it, 0, Resource=f"{arn[:-1]}?"), id="a pattern of resources"),
            pytest.param(
                lambda it, _: changed(it, 0, Condition={"StringLike": {"lambda:FunctionUrlAuthType": "AWS_*"}}),
                id="a pattern in a condition",
            ),
            pytest.param(
                lambda it, _: changed(
                    it, 0, Condition={"StringEqualsIfExists": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}
                ),
                id="a condition on what is there",
            ),
            pytest.param(
                lambda it, _: changed(
                    it, 1, Condition={"StringEqualsIfExists": {"lambda:FunctionUrlAuthType": "NONE"}}
                ),
                id="a condition on what may be missing",
            ),
            pytest.param(
                lambda it, _: changed(
                    it, 0, Condition={"StringEquals": {"lambda:functionURLAuthType": ["x", "AWS_IAM"]}}
                ),
                id="case of a key, and one value of several",
            ),
            pytest.param(
                lambda it, _: changed(it, 0, Action=None, NotAction="lambda:InvokeFunction"), id="all actions but one"
            ),
            pytest.param(
                lambda it, arn: changed(it, 0, Resource=None, NotResource=f"{arn}-other"), id="all resources but one"
            ),
            pytest.param(
                lambda it, arn: [*it, {"Effect": "Deny", "Action": "lambda:*", "Resource": f"{arn}-other"}],
                id="a denial of another function",
            ),
            pytest.param(
                lambda it, _: [
                    *it,
                    {
                        "Effect": "Deny",
                        "Action": "lambda:InvokeFunction",
                        "Resource": "*",
                        "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "false"}},
                    },
                ],
                id="a denial of the other way",
            ),
        ],
    )
    def test_allows(
        self,
        emulator: Emulator,
        url: str,
        function: str,
        role: Identity,
        policy: list[Statement],
        change: Callable[[list[Statement], str], list[Statement]],
    ) -> None:
        assert send(emulator, sign(unsigned(url), role(change(policy, function)))).status == 200

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda _, __: [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}], id="something else"),
            pytest.param(lambda it, _: it[1:], id="no InvokeFunctionUrl"),
            pytest.param(lambda it, _: it[:1], id="no InvokeFunction"),
            pytest.param(lambda it, arn: changed(it, 0, Resource=f"{arn}-other"), id="the URL of another function"),
            pytest.param(lambda it, arn: changed(it, 1, Resource=f"{arn}-other"), id="another function"),
            pytest.param(
                lambda it, arn: changed(it, 0, Resource=arn.replace("pages", "PAGES")), id="case of a resource"
            ),
            pytest.param(
                lambda it, _: changed(
                    it, 0, Condition={"StringEqualsIfExists": {"lambda:FunctionUrlAuthType": "NONE"}}
                ),
                id="another value of what may be missing",
            ),
            pytest.param(
                lambda it, _: changed(it, 0, Condition={"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}),
                id="a URL of another type",
            ),
            pytest.param(
                lambda it, _: changed(it, 1, Condition={"Bool": {"lambda:InvokedViaFunctionUrl": "false"}}),
                id="by no URL",
            ),
            pytest.param(
                lambda it, _: changed(it, 1, Condition={"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}),
                id="a key that this action does not have",
            ),
            pytest.param(
                lambda it, _: changed(it, 1, Condition={"StringLike": {"lambda:FunctionUrlAuthType": "*"}}),
                id="anything for a key that this action does not have",
            ),
            pytest.param(
                lambda it, _: changed(it, 0, Condition={"StringEquals": {"aws:PrincipalTag/team": "red"}}),
                id="an unknown key",
            ),
            pytest.param(
                lambda it, _: changed(it, 0, Condition={"StringNotEquals": {"lambda:FunctionUrlAuthType": "NONE"}}),
                id="an unknown operator",
            ),
            pytest.param(
                lambda it, _: changed(
                    it, 0, Condition={**it[0]["Condition"], "IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}
                ),
                id="one condition of two that is unknown",
            ),
            pytest.param(
                lambda it, arn: [*it, {"Effect": "Deny", "Action": "lambda:InvokeFunction", "Resource": arn}],
                id="a denial",
            ),
            pytest.param(
                lambda it, _: [
                    *it,
                    {
                        "Effect": "Deny",
                        "Action": "*",
                        "Resource": "*",
                        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}},
                    },
                ],
                id="a denial on an unknown condition",
            ),
        ],
    )
    def test_does_not_allow(
        self,
        emulator: Emulator,
        url: str,
        function: str,
        role: Identity,
        policy: list[Statement],
        change: Callable[[list[Statement], str], list[Statement]],
    ) -> None:
        assert send(emulator, sign(unsigned(url), role(change(policy, function)))).refusal == FORBIDDEN


def test_a_url_that_asks_for_no_signature_is_open(emulator: Emulator, url: str, function: str) -> None:
    """So that a proof that nobody gets in without one fails there."""
    functions = emulator.client("lambda")
    functions.update_function_url_config(FunctionName=function, AuthType="NONE")
    try:
        answer = send(emulator, unsigned(url))
    finally:
        functions.update_function_url_config(FunctionName=function, AuthType="AWS_IAM")
    assert answer.status == 200
    context = json.loads(answer.body)["requestContext"]
    assert (context["accountId"], "authorizer" in context) == ("anonymous", False)
    assert send(emulator, unsigned(url)).refusal == FORBIDDEN


def test_emulators_own_address_is_still_aws(emulator: Emulator) -> None:
    """Only the names of URLs are a function's."""
    assert emulator.client("lambda").list_functions()["Functions"][0]["FunctionName"] == "pages"
    assert ADMINISTRATORS_KEY.access_key == emulator.environment()["AWS_ACCESS_KEY_ID"]
