"""Uploads: what was refused, why, and what to do about it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from handler import errors
from handler.recording.uploads import Recorded
from handler.showing.faults import FAULTS
from tests.browser.helpers.history import BUCKET, History
from tests.handler.helpers.recorder import case
from tests.handler.helpers.results import Results
from tests.handler.helpers.surroundings import Postgres

NOW = datetime.now(UTC).replace(microsecond=0)
INGESTING = Path(__file__).parents[3] / "docs/ingesting.md"


def upload(
    history: History, content: str, *, key: str = "shop/417/report.xml", minutes: float = 5, **said: str
) -> Recorded:
    """Uploads it so long ago, with this metadata."""
    metadata = {f"tap-{name.replace('_', '-')}": value for name, value in said.items()}
    return history.upload(content, key=key, at=NOW - timedelta(minutes=minutes), metadata=metadata)


def report(*cases: str) -> str:
    return f"<testsuite>{''.join(cases)}</testsuite>"


GREEN = report(case("passed"), case("skipped", "pays"))
NOT_XML = "<testsuites><testsuite>"


class TestTheList:
    def test_has_the_newest_first_with_what_became_of_each(self, results: Results, history: History) -> None:
        run = upload(history, GREEN, branch="main", commit="c1", build_url="https://ci.example/417", minutes=3)
        refused = upload(history, NOT_XML, key="shop/418/report.xml", minutes=2)
        artifact = upload(history, "log", key="mobile/1/log.txt", minutes=1)
        late = upload(history, GREEN, key="shop/1/report.xml", minutes=91 * 24 * 60)
        answer = results.get("/api/uploads").json
        assert [each["id"] for each in answer["uploads"]] == [
            str(each.upload.event_id) for each in (artifact, refused, run, late)
        ]
        shown = answer["uploads"][2]
        assert {**shown, "processed_at": ...} == {
            "id": str(run.upload.event_id),
            "bucket": BUCKET,
            "key": "shop/417/report.xml",
            "version_id": run.upload.version_id,
            "etag": run.upload.etag,
            "size": len(GREEN),
            "kind": "junit",
            "project": "shop",
            "branch": "main",
            "commit": "c1",
            "build_url": "https://ci.example/417",
            "uploaded_at": f"{NOW - timedelta(minutes=3):%Y-%m-%dT%H:%M:%SZ}",
            "processed_at": ...,
            "status": "success",
            "is_expired": False,
            "error_code": None,
            "error_message": None,
            "run": {
                "tests": 2,
                "passed": 1,
                "failed": 0,
                "error": 0,
                "skipped": 1,
                "flaky": 0,
                "duration_seconds": None,
            },
        }
        assert [
            (each["kind"], each["status"], each["is_expired"], each["run"] is None) for each in answer["uploads"]
        ] == [
            ("artifact", "success", False, True),
            ("junit", "error", False, True),
            ("junit", "success", False, False),
            ("junit", "success", True, True),
        ]
        assert answer["next"] is None

    def test_narrows_to_a_project_and_to_what_became_of_them(self, results: Results, history: History) -> None:
        upload(history, GREEN, minutes=3)
        upload(history, NOT_XML, minutes=2)
        upload(history, NOT_XML, project="mobile", minutes=1)

        def listed(**query: str) -> list[tuple[str, str]]:
            return [(each["project"], each["status"]) for each in results.get("/api/uploads", **query).json["uploads"]]

        assert listed(project="shop") == [("shop", "error"), ("shop", "success")]
        assert listed(project="shop", status="error") == [("shop", "error")]
        assert listed(status="success") == [("shop", "success")]
        assert listed(project="nobody") == []

    def test_goes_on_page_by_page_also_among_uploads_of_one_moment(self, results: Results, history: History) -> None:
        made = {str(upload(history, "", key=f"shop/{number}.txt").upload.event_id) for number in range(51)}
        made |= {str(upload(history, "", key=f"shop/{number}.txt", minutes=9).upload.event_id) for number in range(50)}
        first = results.get("/api/uploads").json
        second = results.get("/api/uploads", before=first["next"]).json
        third = results.get("/api/uploads", before=second["next"]).json
        pages = [[each["id"] for each in page["uploads"]] for page in (first, second, third)]
        assert [len(page) for page in pages] == [50, 50, 1]
        assert set().union(*pages) == made
        assert third["next"] is None
        # What comes meanwhile moves nothing.
        upload(history, "", key="shop/new.txt", minutes=0)
        assert results.get("/api/uploads", before=first["next"]).json["uploads"] == second["uploads"]

    def test_ends_where_the_upload_is_gone(self, results: Results) -> None:
        answer = results.get("/api/uploads", before=uuid4())
        assert answer.status == 404
        assert answer.json["detail"] == "There is no such upload: it is not recorded yet, or no more."

    def test_says_how_many_of_each_project_were_refused(self, results: Results, history: History) -> None:
        for _ in range(3):
            upload(history, GREEN)
        upload(history, NOT_XML)
        upload(history, NOT_XML)
        upload(history, "<html/>")
        upload(history, NOT_XML, minutes=31 * 24 * 60)
        upload(history, GREEN, project="mobile")
        shop = {"project": "shop", "uploads": 6, "refused": 3, "codes": {"not_junit": 1, "not_xml": 2}}
        mobile = {"project": "mobile", "uploads": 1, "refused": 0, "codes": {}}
        assert results.get("/api/uploads").json["health"] == [shop, mobile]
        assert results.get("/api/uploads", project="mobile").json["health"] == [mobile]
        page = results.get("/uploads").text
        assert "3 of 7 uploads of the last 30 days were refused." in page
        assert "Nothing of 1 other project was refused." in page
        assert "The only upload of the last 30 days was recorded." in results.get("/uploads", project="mobile").text

    def test_of_nothing_says_what_to_do_next(self, results: Results) -> None:
        page = results.get("/uploads").text
        assert "Nothing was uploaded in the last 30 days." in page
        assert "aws s3 cp report.xml s3://BUCKET_NAME/my-project/417/report.xml" in page
        assert "BUCKET_NAME/shop/417" in results.get("/uploads", project="shop").text
        assert "There are none." in results.get("/uploads", status="error").text

    def test_hatches_what_was_refused_and_leads_to_what_became_of_each(
        self, results: Results, history: History
    ) -> None:
        run = upload(history, GREEN).upload.event_id
        refused = upload(history, NOT_XML).upload.event_id
        artifact = upload(history, "", key="shop/417/log.txt").upload.event_id
        upload(history, GREEN, minutes=91 * 24 * 60)
        page = results.get("/uploads").text
        assert len(re.findall('<tr [^>]*class="refused"', page)) == 1
        assert f'href="/runs/{run}"' in page
        assert f'href="/uploads/{run}"' not in page
        assert f'href="/uploads/{refused}"' in page
        assert f'href="/uploads/{artifact}"' in page
        assert "past its retention" in page

    def test_leads_to_older_uploads_of_the_same_kind(self, results: Results, history: History) -> None:
        for number in range(51):
            upload(history, "", key=f"shop/{number}.txt", minutes=number)
        last = results.get("/api/uploads").json["next"]
        page = results.get("/uploads", project="shop", status="success").text
        assert f'href="/uploads?project=shop&amp;status=success&amp;before={last}"' in page
        assert "All 51 uploads of the last 30 days were recorded." in page
        older = results.get("/uploads", project="shop", status="success", before=last).text
        assert 'href="/uploads?project=shop&amp;status=success">Latest uploads</a>' in older


class TestOne:
    def test_that_was_refused_says_why_and_what_to_do(self, results: Results, history: History) -> None:
        before = upload(history, GREEN, commit="c1", minutes=9)
        upload(history, GREEN, commit="c2", minutes=1)
        other = upload(history, "<html/>", key="shop/416/report.xml", minutes=4)
        refused = upload(history, NOT_XML, build_url="https://ci.example/417")
        upload(history, NOT_XML, project="mobile", minutes=4)
        answer = results.get(f"/api/uploads/{refused.upload.event_id}").json
        assert answer["upload"]["error_code"] == "not_xml"
        assert answer["upload"]["error_message"].startswith("The report is not well-formed XML: ")
        assert answer["advice"]["meaning"] == "is not well-formed XML"
        assert [step["act"] for step in answer["advice"]["steps"]] == [
            "Look whether the job was killed.",
            "Upload after the runner has ended.",
            "Send it again.",
        ]
        assert answer["run_before"]["id"] == str(before.upload.event_id)
        assert answer["health"] == {
            "project": "shop",
            "uploads": 4,
            "refused": 2,
            "codes": {"not_junit": 1, "not_xml": 1},
        }
        assert [each["id"] for each in answer["refused"]] == [
            str(other.upload.event_id),
            str(refused.upload.event_id),
        ]
        page = results.get(f"/uploads/{refused.upload.event_id}").text
        assert "Refused: the report is not well-formed XML" in page
        assert "It is <b>not tried again</b>" in page
        assert "<b>Look whether the job was killed.</b>" in page
        assert 'href="https://ci.example/417" rel="noreferrer noopener external"' in page
        assert f'href="/runs/{before.upload.event_id}"' in page
        assert f'href="/uploads/{other.upload.event_id}"' in page
        assert all(f'<span class="fault-code">{code}</span>' in page for code in FAULTS)

    def test_that_was_refused_long_ago_has_no_others(self, results: Results, history: History) -> None:
        refused = upload(history, NOT_XML, minutes=31 * 24 * 60).upload.event_id
        answer = results.get(f"/api/uploads/{refused}").json
        assert (answer["run_before"], answer["health"], answer["refused"]) == (None, None, [])
        assert results.get(f"/uploads/{refused}").status == 200

    def test_names_twenty_others_and_leads_to_the_rest(self, results: Results, history: History) -> None:
        refused = [upload(history, NOT_XML, minutes=number).upload.event_id for number in range(21)]
        answer = results.get(f"/api/uploads/{refused[-1]}").json
        assert [each["id"] for each in answer["refused"]] == list(map(str, refused[:20]))
        assert (
            'href="/uploads?project=shop&amp;status=error">All refused uploads'
            in results.get(f"/uploads/{refused[0]}").text
        )

    def test_with_a_fault_of_another_version_is_shown_all_the_same(
        self, results: Results, history: History, postgres: Postgres
    ) -> None:
        refused = upload(history, NOT_XML).upload.event_id
        postgres.query("update upload set error_code = 'too_odd', error_message = 'It is too odd.'")
        assert results.get(f"/api/uploads/{refused}").json["advice"] is None
        page = results.get(f"/uploads/{refused}").text
        assert "Refused: the report has a fault" in page
        assert "It is too odd." in page
        assert "This version of TAP does not know this fault" in page

    @pytest.mark.parametrize(
        ("content", "key", "minutes", "says"),
        [
            (GREEN, "shop/417/report.xml", 5, "Recorded: a report with 2 tests"),
            (report(case("failed")), "shop/417/report.xml", 5, "Recorded: a report with 1 test<"),
            ("log", "shop/417/log.txt", 5, "Recorded: an artifact"),
            (GREEN, "shop/417/report.xml", 91 * 24 * 60, "Not read: the report was past its retention when it came"),
        ],
    )
    def test_that_was_recorded_says_what_it_is(
        self, content: str, key: str, minutes: float, says: str, results: Results, history: History
    ) -> None:
        recorded = upload(history, content, key=key, minutes=minutes)
        page = results.get(f"/uploads/{recorded.upload.event_id}").text
        assert says in page
        assert (f'<a href="/runs/{recorded.upload.event_id}">See the run</a>' in page) == bool(recorded.run)
        assert "What to do" not in page
        answer = results.get(f"/api/uploads/{recorded.upload.event_id}").json
        assert (answer["advice"], answer["health"], answer["refused"]) == (None, None, [])

    @pytest.mark.parametrize("key", ["shop/417/report.xml", "shop/a b+c&d=é%20/log\N{SNOWMAN}.txt"])
    def test_is_found_by_what_s3_calls_it(self, key: str, results: Results, history: History) -> None:
        found = upload(history, GREEN, key=key).upload
        named = {"bucket": found.bucket, "key": key, "version_id": found.version_id}
        answer = results.get("/api/upload", **named)
        assert answer.status == 200
        assert answer.json["upload"]["id"] == str(found.event_id)
        assert results.get("/upload", **named).status == 200

    def test_that_is_not_recorded_yet_may_be_asked_for_again_soon(self, results: Results) -> None:
        answer = results.get("/api/upload", bucket=BUCKET, key="shop/report.xml", version_id="v1")
        assert (answer.status, answer.headers["retry-after"]) == (404, "5")
        assert answer.headers["content-type"] == "application/problem+json"

    def test_needs_all_of_its_name(self, results: Results) -> None:
        answer = results.get("/api/upload", bucket=BUCKET, key="shop/report.xml")
        assert (answer.status, answer.json["detail"]) == (400, "version_id is missing.")

    def test_may_say_anything(self, results: Results, history: History) -> None:
        hostile = "<script>alert(1)</script>"
        refused = upload(
            history,
            NOT_XML,
            key=f"shop/{hostile}.xml",
            project=hostile,
            branch=hostile,
            commit=hostile,
            build_url="javascript:alert(1)",
        ).upload.event_id
        for path in ("/uploads", f"/uploads/{refused}"):
            page = results.get(path).text
            assert "<script" not in page
            assert 'href="javascript:' not in page


class TestFaults:
    def test_none_is_without_advice(self) -> None:
        codes = {fault.code for fault in errors.PermanentFault.__subclasses__()}
        assert set(FAULTS) == codes
        assert all(advice.steps for advice in FAULTS.values())

    def test_are_those_of_the_docs(self) -> None:
        _, table = INGESTING.read_text().split("| code | the report |")
        assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(FAULTS)
