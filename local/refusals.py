"""Why the results of an environment cannot be read, in one sentence for whoever wants to look at them."""

import os
import shlex
from http import HTTPStatus

from botocore import exceptions as botocore
from botocore.exceptions import BotoCoreError, ClientError

from local.layout import plain


class ResultsUnavailableError(Exception):
    """The results cannot be read; the sentence says what to do. `status`: what a browser is answered with it."""

    def __init__(self, sentence: str, status: HTTPStatus) -> None:
        super().__init__(sentence)
        self.status = status


# With {said}, the words of AWS or boto3; of AWS as well {function}, and {place}: its account and region.
_Refusal = tuple[str, HTTPStatus]
_EXPIRED = "your AWS credentials have expired: sign in again (`{login}`), and try again"
_DENIED = (
    "your AWS credentials may not use {function} in {place}: have the policy attached to them that the output"
    " results_reader_policy_arn names, or look at another environment",
    HTTPStatus.FORBIDDEN,
)
_UNKNOWN_KEYS = (
    "AWS does not know these credentials: check AWS_PROFILE, or the keys that are set",
    HTTPStatus.FORBIDDEN,
)
_WRONG_SIGNATURE = (
    "AWS does not accept the signature: check this machine's clock and the secret key ({said})",
    HTTPStatus.FORBIDDEN,
)
_BUSY = ("{function} has too much to do: try again in a moment", HTTPStatus.SERVICE_UNAVAILABLE)
_UNREACHABLE = ("AWS cannot be reached: check the network and its proxy ({said})", HTTPStatus.BAD_GATEWAY)
_SLOW = ("AWS does not answer in time: try again, or check the network and its proxy", HTTPStatus.GATEWAY_TIMEOUT)

# The codes of its services differ: https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html
_OF_AWS: dict[str, _Refusal] = {
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "ExpiredToken": (_EXPIRED, HTTPStatus.FORBIDDEN),
    "ExpiredTokenException": (_EXPIRED, HTTPStatus.FORBIDDEN),
    "InvalidClientTokenId": _UNKNOWN_KEYS,
    "UnrecognizedClientException": _UNKNOWN_KEYS,
    "InvalidSignatureException": _WRONG_SIGNATURE,
    "SignatureDoesNotMatch": _WRONG_SIGNATURE,
    "ResourceNotFoundException": (
        "there is no {function} in {place}: check ENVIRONMENT_SUFFIX, AWS_PROFILE and AWS_REGION, or deploy it",
        HTTPStatus.BAD_GATEWAY,
    ),
    "ThrottlingException": _BUSY,
    "TooManyRequestsException": _BUSY,
}
# The first that fits.
_OF_BOTO3: dict[type[BotoCoreError], _Refusal] = {
    botocore.NoRegionError: (
        "no AWS region is set: set AWS_REGION, or `region` in your AWS profile",
        HTTPStatus.FORBIDDEN,
    ),
    botocore.NoCredentialsError: (
        "there are no AWS credentials: name your profile in AWS_PROFILE, or sign in (`{login}`)",
        HTTPStatus.FORBIDDEN,
    ),
    botocore.SSOError: (_EXPIRED, HTTPStatus.FORBIDDEN),
    botocore.TokenRetrievalError: (_EXPIRED, HTTPStatus.FORBIDDEN),
    botocore.LoginError: (_EXPIRED, HTTPStatus.FORBIDDEN),
    botocore.ConnectTimeoutError: _SLOW,
    botocore.ReadTimeoutError: _SLOW,
    botocore.ConnectionError: _UNREACHABLE,
    botocore.HTTPClientError: _UNREACHABLE,
    # Mostly of the profile: boto3's own words name what is wrong there.
    BotoCoreError: ("the AWS credentials cannot be had: {said}", HTTPStatus.FORBIDDEN),
}


def unavailable(error: BotoCoreError | ClientError, *, function: str, place: str) -> ResultsUnavailableError:
    """For what boto3 raises when `function` is asked. `place`: the account and the region, as far as known."""
    if isinstance(error, ClientError):
        said = error.response["Error"]
        return refused(said.get("Code", ""), said.get("Message", ""), function=function, place=place)
    sentence, status = next(refusal for kind, refusal in _OF_BOTO3.items() if isinstance(error, kind))
    login = "aws login" if isinstance(error, botocore.LoginError) else "aws sso login"
    return ResultsUnavailableError(sentence.format(login=_of_profile(login), said=plain(str(error))), status)


def refused(code: str, message: str, *, function: str, place: str) -> ResultsUnavailableError:
    """For what AWS answers, by its own `code` and `message`."""
    sentence, status = _OF_AWS.get(code, ("AWS answers for {function}: {said}", HTTPStatus.BAD_GATEWAY))
    said = plain(message) if code in _OF_AWS else plain(f"{code} {message}".strip())
    login = _of_profile("aws sso login")
    return ResultsUnavailableError(sentence.format(function=function, place=place, login=login, said=said), status)


def failed(function: str) -> ResultsUnavailableError:
    """For a function that gave no answer."""
    return ResultsUnavailableError(
        f"{function} failed: its log says why, in CloudWatch /aws/lambda/{function}", HTTPStatus.BAD_GATEWAY
    )


def _of_profile(command: str) -> str:
    profile = os.environ.get("AWS_PROFILE")
    return f"{command} --profile {shlex.quote(profile)}" if profile else command
