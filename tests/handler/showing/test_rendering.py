"""What was read, as HTML or JSON."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta, timezone
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handler.addresses import OPEN_ADDRESS, OPEN_PORT, project_address, run_address
from handler.showing import projects, rendering
from handler.showing.pages import PAGES, Page
from handler.showing.rendering import Answer, Problem, Renderer, StaticFile, link, web_address

STATIC = Path(__file__).parents[3] / "handler/showing/static"
RENDERER = Renderer(address="https://tap.example.com", environment="dev")
RUN = UUID("3b241101-e2bb-4255-8caf-4136c566a962")


def as_json(content: Any) -> str:
    return RENDERER.json.write(Answer(page=PAGES[-1], inputs=None, content=content, now=datetime.now(UTC)))


class TestAddresses:
    def test_of_a_run_and_of_a_project_can_be_shared(self) -> None:
        assert run_address("https://tap.example.com", RUN) == f"https://tap.example.com/runs/{RUN}"
        assert run_address(OPEN_ADDRESS, str(RUN)) == f"http://127.0.0.1:8027/runs/{RUN}"
        assert project_address("https://tap.example.com", "a b&c=é/#") == (
            "https://tap.example.com/project?project=a+b%26c%3D%C3%A9%2F%23"
        )
        assert OPEN_ADDRESS.endswith(f":{OPEN_PORT}")

    def test_lead_where_pages_link_to(self) -> None:
        assert run_address("", RUN) == link("runs", RUN)
        assert project_address("", "a b/ü") == link("project", project="a b/ü")


class TestLink:
    def test_has_only_what_is_asked(self) -> None:
        assert link() == "/"
        assert link("runs", RUN) == f"/runs/{RUN}"
        assert link("runs", project="shop", branch=None, q="", skip=0) == "/runs?project=shop&skip=0"
        assert link(after="shop") == "/?after=shop"

    @given(st.text(min_size=1), st.text(min_size=1))
    @example("../..", "//evil.example")
    def test_says_what_it_is_given_whatever_that_is(self, part: str, value: str) -> None:
        address = urlsplit(link("runs", part, project=value))
        assert (address.scheme, address.netloc, address.fragment) == ("", "", "")
        assert [unquote(each) for each in address.path.split("/")] == ["", "runs", part]
        assert parse_qsl(address.query) == [("project", value)]


class TestWebAddress:
    @pytest.mark.parametrize(
        "text",
        [
            "https://ci.example/7",
            "http://ci.example",
            "HTTPS://CI.EXAMPLE",
            "https://[::1]/",
            "https://x:8443/7",
            "https://a?b=<c>#\"d'",
        ],
    )
    def test_is_what_leads_to_a_host(self, text: str) -> None:
        assert web_address(text) == text

    @pytest.mark.parametrize(
        "text",
        [
            None,
            "",
            "ci.example/7",
            "//ci.example",
            "/runs",
            "https:",
            "https://",
            "https:///7",
            "https:ci.example",
            "https://[",
            "https://[x]/",
            "https://ci.example:x/",
            "https://ci.example:0/",
            "https://ci.example:65536/",
            "javascript:alert(1)",
            "JavaScript://ci.example/%0Aalert(1)",
            "java\nscript:alert(1)",
            "\x01javascript:alert(1)",
            " javascript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:x",
            "file:///etc/passwd",
            "blob:https://ci.example/1",
            "view-source:https://ci.example",
            "ftp://ci.example",
        ],
    )
    def test_is_nothing_else(self, text: str | None) -> None:
        assert web_address(text) is None

    @given(st.text() | st.text(alphabet="htps:/[]@?#.\\\n\t ajvcri") | st.builds("https://{}".format, st.text()))
    def test_of_any_text_is_the_text_or_none(self, text: str) -> None:
        address = web_address(text)
        assert address is None or (address == text and urlsplit(text).scheme in ("http", "https"))


class TestJson:
    def test_has_the_fields_of_dataclasses_and_times_in_utc(self) -> None:
        @dataclass(frozen=True)
        class Content:
            id: UUID
            at: datetime
            name: str
            values: list[float | None]

            @property
            def derived(self) -> int:
                return 1

        east = datetime(2026, 11, 24, 1, 5, 9, 120_000, tzinfo=timezone(timedelta(hours=8)))
        assert as_json({"of": Content(RUN, east, 'é"<\u2028', [1.5, None])}) == (
            f'{{"of":{{"id":"{RUN}","at":"2026-11-23T17:05:09.120000Z","name":"é\\"<\u2028","values":[1.5,null]}}}}'
        )

    @pytest.mark.parametrize("content", [{1, 2}, b"bytes", Problem, float("nan"), float("inf")])
    def test_has_nothing_that_has_no_form_in_it(self, content: object) -> None:
        with pytest.raises((TypeError, ValueError)):
            as_json(content)


class TestProblem:
    PROBLEM = Problem(HTTPStatus.NOT_FOUND, "There is no project '<b>é</b>'.", 5)

    def test_of_a_machine_is_what_the_standard_defines(self) -> None:
        content_type, body = RENDERER.problem(RENDERER.json, self.PROBLEM)
        assert content_type == "application/problem+json"
        assert json.loads(body) == {"title": "Not Found", "status": 404, "detail": "There is no project '<b>é</b>'."}

    def test_of_a_person_is_a_page(self) -> None:
        content_type, body = RENDERER.problem(RENDERER.html("project.html"), self.PROBLEM)
        assert content_type == "text/html; charset=utf-8"
        assert "<title>Not Found · TAP dev</title>" in body
        assert "<h1>Not Found</h1>" in body
        assert "<bdi>There is no project &#39;&lt;b&gt;é&lt;/b&gt;&#39;.</bdi>" in body
        assert '<a href="/">All projects</a>' in body

    @pytest.mark.parametrize(
        ("path", "is_html"),
        [("/", True), ("/nothing", True), ("/apis", True), ("/api", False), ("/api/nothing", False), ("/api/", False)],
    )
    def test_is_told_in_the_form_of_its_address(self, path: str, is_html: bool) -> None:
        assert RENDERER.view_of(path).is_html == is_html


class TestStaticFiles:
    def test_have_their_content_in_their_address(self) -> None:
        assert set(RENDERER.static_files) == {"icon.svg", "style.css"}
        for name, content_type in [("icon.svg", "image/svg+xml"), ("style.css", "text/css; charset=utf-8")]:
            content = (STATIC / name).read_bytes()
            assert RENDERER.static_files[name] == StaticFile(
                content=content, content_type=content_type, digest=hashlib.sha256(content).hexdigest()[:16]
            )

    def test_of_a_page_are_those_that_there_are(self) -> None:
        page = written(RENDERER)
        for name, file in RENDERER.static_files.items():
            assert f'"/static/{file.digest}/{name}"' in page


class TestPages:
    def test_say_how_fresh_they_are_and_of_which_environment(self) -> None:
        page = written(RENDERER)
        assert "<title>Projects · TAP dev</title>" in page
        assert (
            'Environment dev, as of <time datetime="2026-11-23T17:40:05Z">Mon 23 Nov 2026, 17:40:05 UTC</time>.' in page
        )

    def test_name_the_command_that_they_are_opened_with_unless_they_have_a_front(self) -> None:
        assert "make open" not in written(RENDERER)
        page = written(Renderer(address=OPEN_ADDRESS, environment="staging"))
        assert "These addresses work while <code>make open ENVIRONMENT_SUFFIX=staging</code> runs." in page

    def test_have_one_address_each(self) -> None:
        paths = [path for page in PAGES for path, _ in page.views(RENDERER)]
        assert len(set(paths)) == len(paths)
        assert all(path.startswith("/") and (path == "/" or not path.endswith("/")) for path in paths)

    def test_take_the_inputs_that_their_paths_have(self) -> None:
        for page in PAGES:
            in_path = {part.split(">")[0] for part in page.path.split("<")[1:]}
            assert in_path <= {field.name for field in fields(page.inputs)}, page.path

    def test_have_a_template_that_is_there(self) -> None:
        for page in PAGES:
            assert not isinstance(page, Page) or (STATIC.parent / "templates" / page.template).exists()


def test_templates_that_are_compiled_write_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rendering.compile_templates(tmp_path)
    compiled = tmp_path / "handler/showing" / rendering._COMPILED_TEMPLATES.name
    assert len(list(compiled.glob("*.py"))) == len(list((STATIC.parent / "templates").iterdir()))
    monkeypatch.setattr(rendering, "_COMPILED_TEMPLATES", compiled)
    monkeypatch.setattr(rendering, "_TEMPLATES", tmp_path / "no such folder")
    assert written(Renderer(address="https://tap.example.com", environment="dev")) == written(RENDERER)


def written(renderer: Renderer) -> str:
    """The first page, of an environment in which nothing is recorded."""
    [page] = [page for page in PAGES if page.path == "/"]
    assert isinstance(page, Page)
    content = projects.ProjectsPage(projects=[], has_more=False, uploads=[])
    now = datetime(2026, 11, 23, 17, 40, 5, tzinfo=UTC)
    return renderer.html(page.template).write(Answer(page=page, inputs=projects.Inputs(), content=content, now=now))
