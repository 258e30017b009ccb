"""The CI jobs that may upload: who they are, and whose folders they write to."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

GITHUB: Final = "https://token.actions.githubusercontent.com"
GITLAB: Final = "https://gitlab.com"

# What GitHub's action and AWS's own examples ask their tokens for.
AUDIENCE: Final = "sts.amazonaws.com"

# With what stands around it in a role's name (64 characters) and the longest suffix.
_MAX_NAME_LENGTH = 32
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# What S3 takes in a key and a policy in a resource as it stands: `*`, `?` and `${` would mean something there.
_PROJECT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
# As the token's `sub` has it: with the ids of owner and repository (acme@123/shop@456) since repositories are not
# told by their names alone (https://docs.github.com/en/actions/reference/security/oidc).
_GITHUB_REPOSITORY = re.compile(r"[A-Za-z0-9-]+(@\d+)?/[A-Za-z0-9._-]+(@\d+)?")
_GITLAB_PROJECT = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+")
# As IAM has it: no port, no query (https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html).
_ISSUER = re.compile(r"https://[a-z0-9.-]+(/[A-Za-z0-9._~/-]*[A-Za-z0-9._~-])?")
# What stands before the first `*` tells whose tokens are meant.
_SUBJECT = re.compile(r"[^*?$\s]{3}[^$\s]*")
_AUDIENCE = re.compile(r"[^*?$\s]+")

_KEYS = ("projects", "github", "gitlab", "issuer", "subjects", "audience")


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """An OpenID Connect provider whose tokens say who a job is, and the audiences that they are for."""

    address: str
    audiences: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Uploader:
    """CI jobs that share a role: they may write to the folders of their projects, and see the results of these.

    A job proves what it is by a token of its CI system's OpenID Connect provider. `subjects`: the tokens' `sub`, in
    which `*` stands for anything.
    """

    name: str
    projects: tuple[str, ...]
    issuer: str
    subjects: tuple[str, ...]
    audience: str = AUDIENCE

    @classmethod
    def read(cls, name: str, table: Mapping[str, Any]) -> Self:
        """As a table of `environments.toml` has it. Raises ValueError with what is wrong in one sentence.

        One of `github` (repositories), `gitlab` (projects, with `issuer` for a server of one's own), and `issuer` with
        `subjects` says who it is. `projects` is the name alone if it is left out.
        """
        if not _NAME.fullmatch(name) or len(name) > _MAX_NAME_LENGTH:
            raise ValueError(
                f"the name {name!r} is not valid: use lower-case letters, digits and inner hyphens,"
                f" at most {_MAX_NAME_LENGTH} characters"
            )
        for key in table:
            if key not in _KEYS:
                raise ValueError(f"there is no setting {key!r}: it may have {', '.join(_KEYS)}")
        given = [key for key in ("github", "gitlab", "subjects") if key in table]
        if len(given) != 1:
            raise ValueError("say who may upload: by github, by gitlab, or by issuer and subjects, one of them")
        issuer, subjects = _identity(given[0], table)
        return cls(
            name=name,
            projects=_texts("projects", table.get("projects", [name]), _PROJECT, "the names of projects"),
            issuer=issuer,
            subjects=subjects,
            audience=_text("audience", table.get("audience", AUDIENCE), _AUDIENCE, "a text without blanks"),
        )


def issuers_of(uploaders: Iterable[Uploader]) -> tuple[Issuer, ...]:
    """Those of their tokens, each once, in the order of their addresses."""
    audiences: dict[str, set[str]] = {}
    for uploader in uploaders:
        audiences.setdefault(uploader.issuer, set()).add(uploader.audience)
    return tuple(Issuer(address=address, audiences=tuple(sorted(audiences[address]))) for address in sorted(audiences))


def _identity(kind: str, table: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Issuer and subjects of its tokens."""
    match kind:
        case "github":
            if "issuer" in table:
                raise ValueError(
                    "github has an issuer of its own: leave issuer out, or give subjects instead of github"
                )
            repositories = _texts("github", table["github"], _GITHUB_REPOSITORY, "repositories (acme/shop)")
            return GITHUB, tuple(f"repo:{repository}:*" for repository in repositories)
        case "gitlab":
            projects = _texts("gitlab", table["gitlab"], _GITLAB_PROJECT, "paths of projects (acme/shop)")
            # https://docs.gitlab.com/ci/secrets/id_token_authentication/
            return _issuer(table.get("issuer", GITLAB)), tuple(f"project_path:{project}:*" for project in projects)
        case _:
            subjects = _texts(
                "subjects", table["subjects"], _SUBJECT, "what the tokens have as sub, of which * is not the beginning"
            )
            return _issuer(table.get("issuer")), subjects


def _issuer(value: Any) -> str:
    return _text("issuer", value, _ISSUER, "the address of an OpenID Connect issuer (https://ci.example.com)")


def _text(key: str, value: Any, pattern: re.Pattern[str], wanted: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{key} = {value!r} is not valid: give {wanted}")
    return value


def _texts(key: str, values: Any, pattern: re.Pattern[str], wanted: str) -> tuple[str, ...]:
    if not isinstance(values, list) or not values:
        raise ValueError(f"{key} = {values!r} is not valid: give a list of {wanted}")
    return tuple(dict.fromkeys(_text(key, value, pattern, wanted) for value in values))
