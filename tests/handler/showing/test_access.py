"""A role of CI jobs sees its own projects alone, and anybody else who may open the URL sees all."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from handler.showing.pages import PAGES
from tests.handler.helpers.recorder import Recorder, case
from tests.handler.helpers.results import Answer, Results
from tests.handler.helpers.surroundings import Postgres

ROLE = "tap-upload-shop-test"
JOB = f"arn:aws:sts::123456789012:assumed-role/{ROLE}/GitHubActions"


@pytest.fixture(autouse=True)
def own(postgres: Postgres) -> Iterator[None]:
    rows = f"('{ROLE}', 'shop'), ('{ROLE}', 'api'), ('tap-upload-web-test', 'web')"
    postgres.query(f"insert into uploader (role, project) values {rows} returning role")
    yield
    postgres.query("delete from uploader returning role")


@pytest.fixture
def runs(recorder: Recorder) -> dict[str, UUID]:
    """Of each project one."""
    return {project: recorder.record(case("failed"), project=project).id for project in ("shop", "web")}


def paths(postgres: Postgres, project: str, run_id: UUID) -> dict[str, str]:
    """An address of each page that is of one project, with its query."""
    [(test_id, bucket, key, version_id)] = postgres.query(
        "select test.id, bucket, key, version_id"
        " from upload, history.test join history.project on project.id = project_id"
        f" where event_id = '{run_id}' and project.name = '{project}'"
    )
    of_project = f"project={project}"
    return {
        "/api/runs/<run_id>.md": f"/api/runs/{run_id}.md?",
        "/api/quarantine": f"/api/quarantine?{of_project}",
        "/badge.svg": f"/badge.svg?{of_project}",
        "/project": f"/project?{of_project}",
        "/runs": f"/runs?{of_project}",
        "/builds": f"/builds?{of_project}&commit=c1&build_url=https://ci.example/7",
        "/runs/<run_id>": f"/runs/{run_id}?",
        "/runs/<run_id>/tests/<test_id>": f"/runs/{run_id}/tests/{test_id}?",
        "/tests/<test_id>": f"/tests/{test_id}?",
        "/upload": f"/upload?bucket={bucket}&key={key}&version_id={version_id}",
        "/uploads": f"/uploads?{of_project}",
        "/uploads/<upload_id>": f"/uploads/{run_id}?",
        "/failing": f"/failing?{of_project}",
        "/flaky": f"/flaky?{of_project}",
        "/slowest": f"/slowest?{of_project}",
        "/search": f"/search?{of_project}&q=test",
        "/grid": f"/grid?{of_project}",
    }


# Of all projects; and the description of the API, which is nobody's.
_OF_ALL = {"/", "/api/openapi.json"}


def asked(results: Results, address: str, caller: str = JOB) -> Answer:
    path, _, query = address.partition("?")
    return results.ask(path, query, caller=caller)


def test_all_pages_are_known_here(postgres: Postgres, runs: dict[str, UUID]) -> None:
    """A new one is to be tried as well."""
    assert {page.path for page in PAGES} == {*paths(postgres, "shop", runs["shop"]), *_OF_ALL}


def test_job_sees_every_page_of_its_project(results: Results, postgres: Postgres, runs: dict[str, UUID]) -> None:
    answers = {path: asked(results, address).status for path, address in paths(postgres, "shop", runs["shop"]).items()}
    assert set(answers.values()) == {200}, answers


def test_job_sees_no_page_of_another(results: Results, postgres: Postgres, runs: dict[str, UUID]) -> None:
    """The answer says what it may see, and nothing of what it asked for."""
    for address in paths(postgres, "web", runs["web"]).values():
        answer = asked(results, address)
        assert answer.status == 403, address
        assert "web" not in answer.text


@pytest.mark.parametrize("path", [*sorted(_OF_ALL), "/failing", "/flaky", "/slowest", "/search", "/uploads", "/runs"])
def test_job_sees_no_page_of_all_projects(path: str, results: Results, runs: dict[str, UUID]) -> None:
    answer = asked(results, f"{path}?q=test" if path == "/search" else f"{path}?")
    assert (answer.status, "web" in answer.text) == (403, False)
    # Anybody else does.
    assert results.ask(path, "q=test" if path == "/search" else "").status == 200


def test_sentence_says_what_it_may_see(results: Results) -> None:
    assert results.ask("/api/project", "project=web", caller=JOB).json["detail"] == (
        f"The role {ROLE} may see these projects alone, each by its name: api, shop."
    )


def test_role_that_the_database_does_not_know_sees_nothing(results: Results, runs: dict[str, UUID]) -> None:
    """One of an uploader that is no longer in the settings, until its role goes."""
    caller = JOB.replace("shop", "gone")
    answer = results.ask("/api/project", "project=shop", caller=caller)
    assert answer.status == 403
    assert answer.json["detail"].endswith("by its name: none.")


def test_job_is_told_to_come_again_for_what_is_not_recorded_yet(results: Results) -> None:
    """It asks for its upload before anybody knows whose that is."""
    query = "bucket=uploads&key=shop/report.xml&version_id=1"
    answer = results.ask("/api/upload", query, caller=JOB)
    assert (answer.status, answer.headers["retry-after"]) == (404, "5")
    assert results.ask(f"/api/runs/{uuid4()}", caller=JOB).status == 404


@pytest.mark.parametrize(
    "caller",
    [
        "arn:aws:sts::123456789012:assumed-role/viewer/tap-upload-shop-test",
        "arn:aws:iam::123456789012:root",
    ],
)
def test_anybody_else_sees_all(caller: str, results: Results, postgres: Postgres, runs: dict[str, UUID]) -> None:
    for project, run_id in runs.items():
        for address in paths(postgres, project, run_id).values():
            assert asked(results, address, caller).status == 200
