"""What was read, as HTML or JSON."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, ModuleLoader, StrictUndefined

from handler.addresses import OPEN_ADDRESS
from handler.showing import badge, charts, digest, formats, lanes, trend

if TYPE_CHECKING:
    from handler.showing.pages import Resource

_TEMPLATES = Path(__file__).parent / "templates"
# In the package: to compile those of a page takes as long as to make it.
_COMPILED_TEMPLATES = Path(__file__).parent / "compiled_templates"
_STATIC = Path(__file__).parent / "static"
# Pages of the company's own may show it, and need not ask for it at each look.
_OF_A_BADGE = {"Cache-Control": "private, max-age=60", "Cross-Origin-Resource-Policy": "same-site"}
_CONTENT_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a page was asked, and what it says."""

    page: Resource
    inputs: Any
    content: Any
    now: datetime


@dataclass(frozen=True, kw_only=True)
class View:
    """A form in which an answer is written."""

    content_type: str
    write: Callable[[Answer], str]
    is_html: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


class Problem(NamedTuple):
    """Why there is no answer, in one sentence. `retry_after`: seconds after which there may be one."""

    status: HTTPStatus
    sentence: str
    retry_after: int | None = None


@dataclass(frozen=True, kw_only=True)
class StaticFile:
    """A file that is served as it is. `digest`: of its content, which its address has."""

    content: bytes
    content_type: str
    digest: str

    @classmethod
    def read(cls, path: Path) -> StaticFile:
        content = path.read_bytes()
        return cls(
            content=content,
            content_type=_CONTENT_TYPES[path.suffix],
            digest=hashlib.sha256(content).hexdigest()[:16],
        )


class Renderer:
    """Writes answers. `address`: where people open the pages; `environment`: its suffix."""

    def __init__(self, *, address: str, environment: str) -> None:
        self.address = address
        self.static_files = {path.name: StaticFile.read(path) for path in sorted(_STATIC.iterdir())}
        self.json = View(content_type="application/json", write=_json)
        self.markdown = View(content_type="text/markdown; charset=utf-8", write=self._markdown)
        self.badge = View(
            content_type="image/svg+xml", write=lambda answer: badge.write(answer.content), headers=_OF_A_BADGE
        )
        self._open_command = f"make open ENVIRONMENT_SUFFIX={environment}" if address == OPEN_ADDRESS else None
        self._environment = _templates()
        self._environment.globals |= {
            "ago": formats.ago,
            "charts": charts,
            "commit_address": commit_address,
            "environment": environment,
            "lanes": lanes,
            "link": link,
            "open_command": self._open_command,
            "static": self._static_address,
            "trend_strips": trend.strips,
        }

    def html(self, template: str) -> View:
        """A page that this template writes."""

        def write(answer: Answer) -> str:
            values = {"inputs": answer.inputs, "page": answer.content, "now": answer.now, "path": answer.page.path}
            return self._render(template, values)

        return View(content_type="text/html; charset=utf-8", write=write, is_html=True)

    def view_of(self, path: str) -> View:
        """In which form an address is answered where there is no page."""
        return self.json if f"{path}/".startswith("/api/") else self.html("problem.html")

    def problem(self, view: View, problem: Problem) -> tuple[str, str]:
        """The content type and the body of an answer that says what is wrong.

        That of a machine is what RFC 9457 defines.
        """
        status, sentence, _ = problem
        if view.is_html:
            values = {"status": status, "sentence": sentence, "now": datetime.now(UTC)}
            return view.content_type, self._render("problem.html", values)
        told = {"title": status.phrase, "status": status.value, "detail": sentence}
        return "application/problem+json", json.dumps(told)

    def _markdown(self, answer: Answer) -> str:
        return digest.write(answer.content, address=self.address, open_command=self._open_command)

    def _render(self, template: str, values: dict[str, Any]) -> str:
        return self._environment.get_template(template).render(values)

    def _static_address(self, name: str) -> str:
        return f"/static/{self.static_files[name].digest}/{name}"


def compile_templates(package: Path) -> None:
    """Writes all templates as Python modules to their place below this folder. Raises jinja2.TemplateError."""
    place = _COMPILED_TEMPLATES.relative_to(Path(__file__).parents[2])
    _templates().compile_templates(package / place, zip=None, ignore_errors=False)


def _templates() -> Environment:
    environment = Environment(
        loader=ModuleLoader(_COMPILED_TEMPLATES) if _COMPILED_TEMPLATES.exists() else FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "breakable": formats.breakable,
        "day": formats.day,
        "duration": formats.duration,
        "exact": formats.exact,
        "iso": lambda moment: f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "number": formats.number,
        "one_line": formats.one_line,
        "percent": formats.percent,
        "round_duration": formats.round_duration,
        "trace": formats.trace,
        "web_address": web_address,
    }
    return environment


def link(*path: object, **query: object) -> str:
    """The address of a page: its path, and its query without what is not asked."""
    address = "/" + "/".join(quote(str(part), safe="") for part in path)
    asked = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{address}?{urlencode(asked)}" if asked else address


def web_address(text: str | None) -> str | None:
    """An address that may be linked to, None for any other text: one with a script in it, for one."""
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        # A port that is none raises.
        is_address = parts.scheme in ("https", "http") and parts.hostname and (parts.port is None or parts.port)
        return text if is_address else None
    except ValueError:
        return None


# Where GitHub and GitLab have the builds of a repository, and its commits.
_REPOSITORIES = (
    (re.compile(r"(https?://[^/?#]+/[^/?#]+/[^/?#]+)/actions/runs/\d+"), "{}/commit/{}"),
    (re.compile(r"(https?://[^/?#]+/[^?#]+)/-/(?:jobs|pipelines)/\d+"), "{}/-/commit/{}"),
)
_COMMIT = re.compile(r"[0-9a-f]{7,64}", re.IGNORECASE)


def commit_address(build_url: str | None, commit: str | None) -> str | None:
    """Where one can look at a commit, if its build's address tells: of a build on GitHub or GitLab."""
    for build, address in _REPOSITORIES:
        if (found := build.match(build_url or "")) and _COMMIT.fullmatch(commit or ""):
            return address.format(found[1], commit)
    return None


def _json(answer: Answer) -> str:
    return json.dumps(answer.content, default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, UUID | date):
        return str(value)
    raise TypeError(f"{type(value)} has no form in JSON")
