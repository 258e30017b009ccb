"""The results function around its pages: what it answers to whatever is asked, and whatever happens to the database."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import uuid4

import psycopg
import pytest
from psycopg import Connection

from handler import results_function
from handler.environment_variables import ResultsVariables
from handler.errors import MissingParameter
from handler.log import logger
from handler.parameters import DatabaseParameters, ParameterStore
from handler.recording import reader, schema
from handler.showing import projects, site
from handler.showing.pages import Page
from handler.showing.reading import Reading
from tests.handler.helpers.recorder import Recorder, case
from tests.handler.helpers.results import ADDRESS, READER_PASSWORD, Answer, Results
from tests.handler.helpers.surroundings import VARIABLES, Aws, Postgres

SECURITY = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
HTML = "text/html; charset=utf-8"
UNAVAILABLE = "The database cannot be asked at the moment. Try again in a minute."
TOO_SLOW = "The database took too long to answer. Ask for less: one project, one branch."
BROKEN = "This page cannot be shown, and that is no fault of yours: the log of the results function says why."


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the function writes."""
    handler = logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    output = io.StringIO()
    before = handler.setStream(output)
    yield output
    if before:
        handler.setStream(before)


def entries(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def is_problem(answer: Answer, status: int, sentence: str) -> bool:
    """Whether it tells a machine what is wrong, and nothing more."""
    return (
        answer.status == status
        and answer.headers["content-type"] == "application/problem+json"
        and answer.headers["cache-control"] == "no-store"
        and answer.json["detail"] == sentence
    )


def is_unavailable(answer: Answer, sentence: str = UNAVAILABLE) -> bool:
    return is_problem(answer, 503, sentence) and answer.headers["retry-after"] == "30"


def connection() -> Connection[Any]:
    """The function's own."""
    return results_function._site()._database.connected()


def end_sessions(postgres: Postgres) -> None:
    """Those of the function, which notices nothing of it."""
    with postgres.server._connect("postgres") as administrator:
        administrator.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'tap-results'"
        )


def show(results: Results, monkeypatch: pytest.MonkeyPatch, read: Callable[[Reading], object]) -> None:
    """Has the first page show what `read` returns: as JSON, and as a page with a fault."""
    page = Page(path="/", inputs=projects.Inputs, read=lambda reading, _: read(reading), template="test.html")
    monkeypatch.setattr(site, "PAGES", (page,))
    results.restart()


class TestAnswers:
    def test_of_pages_are_html_and_of_the_api_json(self, results: Results, recorder: Recorder) -> None:
        run = recorder.record(case("passed"))
        fresh = {**SECURITY, "cache-control": "private, no-cache", "content-encoding": "gzip"}
        page = results.get(f"/runs/{run.id}")
        assert (page.status, page.headers) == (200, {**fresh, "content-type": HTML})
        assert page.text.startswith("<!doctype html>\n")
        data = results.get(f"/api/runs/{run.id}")
        assert (data.status, data.headers) == (200, {**fresh, "content-type": "application/json"})
        assert data.json["run"]["id"] == str(run.id)

    @pytest.mark.parametrize(("accepts", "is_zipped"), [("gzip, deflate, br", True), ("br", False), ("", False)])
    def test_are_zipped_where_that_is_accepted(self, accepts: str, is_zipped: bool, results: Results) -> None:
        answer = results.ask("/", accepts=accepts)
        assert (answer.headers.get("content-encoding") == "gzip") == is_zipped
        assert "No reports yet" in answer.text

    @pytest.mark.parametrize("path", ["/", "/api", "/nothing", "/api/runs/x"])
    def test_to_head_are_those_to_get_without_their_body(self, path: str, results: Results) -> None:
        get, head = results.get(path), results.get(path, method="HEAD")
        assert (head.status, head.headers, head.text) == (get.status, get.headers, "")

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    @pytest.mark.parametrize("path", ["/", "/api", "/api/runs", "/nothing"])
    def test_to_any_other_method_are_that_there_is_nothing_to_change(
        self, method: str, path: str, results: Results
    ) -> None:
        answer = results.get(path, method=method)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
        assert "Here is nothing to change: use GET." in answer.text
        assert answer.headers["content-type"] == ("application/problem+json" if path.startswith("/api") else HTML)
        assert answer.headers.items() >= {**SECURITY, "cache-control": "no-store"}.items()

    @pytest.mark.parametrize("path", ["/nothing", "/runs/", "/runs/x/y", "/static/x", "/../etc/passwd", "//"])
    def test_where_there_is_no_page_say_so(self, path: str, results: Results) -> None:
        answer = results.get(path)
        assert (answer.status, answer.headers["content-type"]) == (404, HTML)
        assert "<bdi>There is no such page.</bdi>" in answer.text
        assert is_problem(results.get(f"/api{path}"), 404, "There is no such page.")

    def test_to_what_is_asked_in_a_wrong_way_say_what_is_right(self, results: Results) -> None:
        sentence = "run_id 'x' is not valid: give an id (3b241101-e2bb-4255-8caf-4136c566a962)."
        answer = results.get("/api/runs/x")
        assert is_problem(answer, 400, sentence)
        assert answer.json == {"title": "Bad Request", "status": 400, "detail": sentence}
        assert "retry-after" not in answer.headers
        page = results.get("/runs/x")
        assert (page.status, page.headers["content-type"]) == (400, HTML)
        assert "<h1>Bad Request</h1>" in page.text
        assert f"<bdi>{sentence.replace(chr(39), '&#39;')}</bdi>" in page.text
        assert page.headers.items() >= {**SECURITY, "cache-control": "no-store"}.items()

    @pytest.mark.parametrize("path", ["/runs/<script>alert(1)<", "/runs/%3Cscript%3E", "/project"])
    def test_say_nothing_that_was_asked_as_markup(self, path: str, results: Results) -> None:
        page = results.get(path, **{"<script>": "<script>"})
        assert page.status in (400, 404)
        assert "<script" not in page.text

    def test_to_what_is_not_there_yet_say_when_to_ask_again(self, results: Results) -> None:
        run_id = uuid4()
        answer = results.get(f"/api/runs/{run_id}")
        assert is_problem(answer, 404, f"There is no run {run_id}: it is not recorded yet, or no more.")
        assert answer.headers["retry-after"] == "5"
        assert results.get(f"/runs/{run_id}").headers["retry-after"] == "5"


class TestStaticFiles:
    def test_are_kept_for_ever_under_their_hash(self, results: Results) -> None:
        for name, file in results_function._site()._renderer.static_files.items():
            answer = results.get(f"/static/{file.digest}/{name}")
            assert answer.status == 200
            assert answer.text.encode() == file.content
            assert answer.headers == {
                **SECURITY,
                "cache-control": "private, max-age=31536000, immutable",
                "content-encoding": "gzip",
                "content-type": file.content_type,
            }

    def test_are_not_there_under_another_one(self, results: Results) -> None:
        digest = results_function._site()._renderer.static_files["style.css"].digest
        for path in (
            "/static/0123456789abcdef/style.css",
            f"/static/{digest}/icon.svg",
            f"/static/{digest}/../site.py",
        ):
            answer = results.get(path)
            assert (answer.status, answer.headers["cache-control"]) == (404, "no-store")
            assert "There is no such page." in answer.text


class TestDatabase:
    def test_that_is_down_is_said_and_used_again_when_it_is_up(
        self, results: Results, postgres: Postgres, log: io.StringIO
    ) -> None:
        assert results.get("/api").status == 200
        postgres.server.stop()
        try:
            answer, page = results.get("/api"), results.get("/")
        finally:
            postgres.server.start()
        assert is_unavailable(answer)
        assert (page.status, page.headers["retry-after"]) == (503, "30")
        assert "<h1>Service Unavailable</h1>" in page.text
        assert UNAVAILABLE in page.text
        for text in (answer.text, page.text):
            assert "Traceback" not in text
            assert postgres.server.hostname not in text
        assert [entry["exception_name"] for entry in entries(log)] == ["DatabaseUnavailable"] * 2
        assert results.get("/api").status == 200

    def test_that_closed_the_session_gets_a_new_one(self, results: Results, postgres: Postgres) -> None:
        """An idle one, or with the server."""
        results.get("/api")
        before = connection().info.backend_pid
        end_sessions(postgres)
        assert results.get("/api").status == 200
        assert connection().info.backend_pid != before

    def test_that_is_idle_is_closed_and_opened_again(
        self, results: Results, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(results_function._SETTINGS, "idle_session_timeout", "500ms")
        results.restart()
        results.get("/api")
        sessions = "select pid from pg_stat_activity where application_name = 'tap-results'"
        while postgres.query(sessions):
            pass
        assert results.get("/api").status == 200

    @pytest.mark.parametrize("limit", ["statement_timeout", "transaction_timeout"])
    def test_that_takes_too_long_is_interrupted(
        self, limit: str, results: Results, postgres: Postgres, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
    ) -> None:
        monkeypatch.setitem(results_function._SETTINGS, limit, "500ms")
        results.restart()
        with postgres.connect() as other, other.transaction():
            other.execute("lock table upload in access exclusive mode")
            assert is_unavailable(results.get("/api"), TOO_SLOW)
        assert len(entries(log)) == 1
        assert results.get("/api").status == 200

    def test_that_has_no_room_for_one_more_session_is_said(self, results: Results, postgres: Postgres) -> None:
        results.restart()
        postgres.query(f"alter role {reader.READER} connection limit 0")
        try:
            assert is_unavailable(results.get("/api"))
        finally:
            postgres.query(f"alter role {reader.READER} connection limit 20")
        assert results.get("/api").status == 200

    @contextmanager
    def changed_schema(self, postgres: Postgres, change: str) -> Iterator[None]:
        postgres.query(f"create table kept as table schema_version; {change}")
        try:
            yield
        finally:
            postgres.query("truncate schema_version; insert into schema_version table kept; drop table kept")

    def test_with_an_old_schema_is_told_to_be_brought_up_to_date(self, results: Results, postgres: Postgres) -> None:
        newest = schema.package_version()
        with self.changed_schema(postgres, "delete from schema_version"):
            sentence = (
                f"The database's schema has version 0, and the function needs {newest}: deploy the environment, whose "
                "schema function brings it up to date."
            )
            assert is_unavailable(results.get("/api"), sentence)
            assert is_unavailable(results.get("/api"), sentence)
        assert results.get("/api").status == 200

    def test_with_a_newer_schema_tells_to_deploy(self, results: Results, postgres: Postgres) -> None:
        newest = schema.package_version()
        with self.changed_schema(postgres, "insert into schema_version values (998, 999)"):
            assert is_unavailable(
                results.get("/api"),
                f"The database's schema has version 998, which works with functions from version 999 on, and this one "
                f"has {newest}: deploy the environment with a newer package.",
            )
        assert results.get("/api").status == 200


class TestReader:
    @pytest.fixture
    def other_password(self, postgres: Postgres, parameters: Aws) -> Iterator[str]:
        yield "the next one"
        self.set_password(postgres, READER_PASSWORD)
        parameters.put_parameter("reader-password", READER_PASSWORD)

    def set_password(self, postgres: Postgres, password: str) -> None:
        with postgres.connect() as connection:
            reader.set_up(connection, password)
        end_sessions(postgres)

    def test_goes_on_with_a_rotated_password(
        self, results: Results, postgres: Postgres, parameters: Aws, other_password: str
    ) -> None:
        """Although that of before is still in the cache."""
        assert results.get("/api").status == 200
        parameters.put_parameter("reader-password", other_password)
        self.set_password(postgres, other_password)
        assert results.get("/api").status == 200

    def test_is_refused_with_another_password_which_is_not_told(
        self, results: Results, postgres: Postgres, other_password: str, log: io.StringIO
    ) -> None:
        self.set_password(postgres, other_password)
        results.restart()
        answer = results.get("/api")
        assert is_unavailable(answer)
        assert READER_PASSWORD not in log.getvalue() + answer.text
        assert len(entries(log)) == 1

    def test_needs_its_parameters(self, results: Results, parameters: Aws, log: io.StringIO) -> None:
        results.restart()
        parameters.delete_parameter("reader-password")
        try:
            assert is_unavailable(results.get("/api"))
        finally:
            parameters.put_parameter("reader-password", READER_PASSWORD)
        assert "does not hold /tap/test/database/reader-password." in entries(log)[0]["exception"]
        assert results.get("/api").status == 200

    @pytest.mark.parametrize(
        ("name", "value"),
        [("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:1"), ("DB_NAME_PARAM", "not a name; of any parameter")],
    )
    def test_needs_parameter_store(
        self, name: str, value: str, results: Results, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
    ) -> None:
        monkeypatch.setenv(name, value)
        results.restart()
        assert is_unavailable(results.get("/api"))
        assert len(entries(log)) == 1

    def test_only_reads(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("passed"))
        results.get("/api")
        session = connection()
        statements = (
            "insert into history.project (name) values ('x')",
            "update upload set project = 'x'",
            "delete from upload",
            "truncate upload",
            "create table x (y integer)",
            "create temporary table x (y integer)",
            "drop table upload",
            "select * from upload for update",
            "select setval('history.project_id_seq', 1)",
            "select pg_read_file('/etc/passwd')",
            "copy upload to program 'true'",
        )
        for statement in statements:
            with pytest.raises((psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.InsufficientPrivilege)):
                session.execute(statement)
        # A session may allow itself to write, and its login may not all the same.
        session.execute("set default_transaction_read_only = off")
        for statement in statements:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(statement)
        results.restart()

    @pytest.mark.usefixtures("results")
    def test_has_sessions_with_limits(self) -> None:
        settings = {
            "application_name": "tap-results",
            "client_connection_check_interval": "1s",
            "default_transaction_read_only": "on",
            "idle_in_transaction_session_timeout": "1min",
            "idle_session_timeout": "1min",
            "statement_timeout": "5s",
            "transaction_timeout": "10s",
        }
        session = connection()
        assert {
            name: value
            for name in settings
            for (value,) in session.execute("select current_setting(%s)", [name]).fetchall()
        } == settings
        assert session.info.user == reader.READER

    def test_sees_one_moment_in_all_that_a_page_reads(
        self, results: Results, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def read(reading: Reading) -> dict[str, object]:
            count, moment = "select count(*) as count, now() from upload", reading.now
            before = reading.records(count)
            recorder.record(case("passed"))
            after = reading.records(count)
            [settings] = reading.records(
                "select current_setting('transaction_isolation') as isolation,"
                " current_setting('transaction_read_only') as read_only"
            )
            assert before == after == [{"count": 0, "now": moment}]
            return settings

        show(results, monkeypatch, read)
        assert results.get("/api").json == {"isolation": "repeatable read", "read_only": "on"}


class TestFaults:
    """What is the function's own fault."""

    def test_are_told_to_the_log_and_not_to_the_reader(
        self, results: Results, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
    ) -> None:
        def read(_: Reading) -> None:
            raise RuntimeError("secret")

        show(results, monkeypatch, read)
        assert is_problem(results.get("/api"), 500, BROKEN)
        page = results.get("/")
        assert (page.status, page.headers["content-type"]) == (500, HTML)
        assert BROKEN in page.text
        assert page.headers.items() >= {**SECURITY, "cache-control": "no-store"}.items()
        assert "retry-after" not in page.headers
        assert "secret" not in page.text
        first, second = entries(log)
        for entry in (first, second):
            assert (entry["level"], entry["message"]) == ("ERROR", "A page cannot be shown")
            assert entry["exception_name"] == "RuntimeError"
            assert entry["exception"].endswith("RuntimeError: secret")
            assert "in read" in entry["exception"]
            assert entry["function_request_id"]

    def test_of_a_template_are_told_alike(
        self, results: Results, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
    ) -> None:
        show(results, monkeypatch, lambda _: {})
        assert results.get("/api").status == 200
        assert results.get("/").status == 500
        assert [entry["exception_name"] for entry in entries(log)] == ["UndefinedError"]

    def test_leave_the_connection_usable(self, results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
        answers = iter(["select 1 / 0", "select 1"])
        show(results, monkeypatch, lambda reading: reading.records(next(answers)))
        assert results.get("/api").status == 500
        before = connection().info.backend_pid
        assert results.get("/api").status == 200
        assert connection().info.backend_pid == before

    def test_of_an_answer_that_lambda_would_not_take_are_told(
        self, results: Results, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
    ) -> None:
        """Lambda takes 6 MB."""
        show(results, monkeypatch, lambda _: "ü" * 1_999_990)
        assert results.ask("/api", accepts="").status == 200
        show(results, monkeypatch, lambda _: "ü" * 2_000_000)
        assert is_problem(results.get("/api"), 500, BROKEN)
        assert "more than Lambda takes" in entries(log)[0]["exception"]

    def test_of_the_reader_are_not_logged(self, results: Results, log: io.StringIO) -> None:
        for path in ("/runs/x", f"/runs/{uuid4()}", "/nothing", "/project"):
            assert 400 <= results.get(path).status < 500
        assert log.getvalue() == ""


class TestVariables:
    ENVIRONMENT: ClassVar = {
        **{name: VARIABLES[name] for name in ("ENVIRONMENT", "DB_ENDPOINT_PARAM", "DB_NAME_PARAM")},
        "DB_PASSWORD_PARAM": "/tap/test/database/reader-password",
        "RESULTS_ADDRESS": ADDRESS,
    }

    def test_name_the_parameters_of_the_reader(self) -> None:
        """And no login: the reader's is the same everywhere."""
        variables = ResultsVariables.read({**self.ENVIRONMENT, "DB_USERNAME_PARAM": "/tap/test/database/username"})
        assert variables == ResultsVariables(
            environment="test",
            db_endpoint_param="/tap/test/database/endpoint",
            db_password_param="/tap/test/database/reader-password",
            db_name_param="/tap/test/database/name",
            results_address=ADDRESS,
        )
        assert set(variables.database_params()) == {"endpoint", "password", "name"}

    @pytest.mark.parametrize("name", ENVIRONMENT)
    def test_must_all_be_there(self, name: str) -> None:
        with pytest.raises(KeyError, match=f"Set {name} in the function's environment."):
            ResultsVariables.read({**self.ENVIRONMENT, name: ""})

    def test_lead_to_the_reader_and_nobody_else(self, parameters: Aws, postgres: Postgres) -> None:
        store = ParameterStore(parameters.client("ssm"), ResultsVariables.read(self.ENVIRONMENT))
        assert store.database() == DatabaseParameters(
            endpoint=f"{postgres.server.hostname}:{postgres.server.port}",
            username="tap_reader",
            password=READER_PASSWORD,
            name="tap",
        )
        assert READER_PASSWORD not in repr(store.database())

    def test_are_fetched_again_after_a_minute(self, parameters: Aws) -> None:
        @dataclass
        class Clock:
            now: float = 1000

            def __call__(self) -> float:
                return self.now

        clock = Clock()
        store = ParameterStore(parameters.client("ssm"), ResultsVariables.read(self.ENVIRONMENT), clock)
        assert store.database().password == READER_PASSWORD
        parameters.put_parameter("reader-password", "the next one")
        try:
            clock.now += 59
            assert store.database().password == READER_PASSWORD
            clock.now += 1
            assert store.database().password == "the next one"
        finally:
            parameters.put_parameter("reader-password", READER_PASSWORD)

    def test_that_lead_nowhere_are_named(self, parameters: Aws) -> None:
        environment = ResultsVariables.read({**self.ENVIRONMENT, "DB_PASSWORD_PARAM": "/tap/test/no/such"})
        with pytest.raises(MissingParameter, match=r"Parameter Store does not hold /tap/test/no/such\."):
            ParameterStore(parameters.client("ssm"), environment).database()
