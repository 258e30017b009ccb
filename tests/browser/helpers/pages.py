"""Every page, named once: the checks of all pages and the screenshots go through this list."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from tests.browser.helpers.site import Site

_RUN = "select '/runs/' || id from run_summary where project = %s"
_LATEST = "order by uploaded_at desc limit 1"
_FAILED = """
    select test_id, run_id from result join run on run.id = run_id
    where status = 'failed' and run_id = (select id from run_summary order by uploaded_at desc limit 1) limit 1
"""
_TEST = "select '/tests/' || id from test where project = %s and name like %s"


def _broken(site: Site) -> str:
    """The run that broke eight tests."""
    return str(site.value(f"{_RUN} and branch = 'main' and failed > 8 order by uploaded_at limit 1", "shop-api"))


def _build(site: Site) -> str:
    """The latest build of main that tells of two browsers and of parts."""
    query = (
        "select {} from run_summary where project = 'shop-web' and branch = 'main' order by uploaded_at desc limit 1"
    )
    commit, build_url = (site.value(query.format(column)) for column in ("commit", "build_url"))
    return "/builds?" + urlencode({"project": "shop-web", "commit": commit, "build_url": build_url})


def _result(site: Site) -> str:
    """What a test said in a run in which each of its attempts failed."""
    query = "select {} from result join run on run.id = run_id where attempts = 3 and status = 'failed' order by run_id"
    run_id, test_id = (site.value(query.format(column)) for column in ("run_id", "test_id"))
    return f"/runs/{run_id}/tests/{test_id}"


PAGES: dict[str, Callable[[Site], str]] = {
    "projects": lambda _: "/",
    "project": lambda _: "/project?project=shop-api",
    "project-in-series": lambda _: "/project?project=shop-web",
    "runs": lambda _: "/runs?project=shop-api",
    "runs-of-a-branch": lambda _: "/runs?project=mobile&branch=main",
    "run": _broken,
    "run-of-pull-request": lambda site: str(
        site.value(f"{_RUN} and branch = 'pr/1284-voucher-scope' {_LATEST}", "shop-api")
    ),
    "run-passed": lambda site: str(site.value(f"{_RUN} and failed + error + flaky = 0 {_LATEST}", "shop-web")),
    "run-with-attachments": lambda site: str(site.value(f"{_RUN} and failed > 0 {_LATEST}", "shop-web")),
    "result": _result,
    "build": _build,
    "test": lambda site: str(site.value(_TEST, "shop-api", "test_last_item_is_sold_once%read_committed%")),
    "test-failing": lambda site: str(site.value(_TEST, "shop-api", "test_rounds_half_to_even%KWD%")),
    "grid": lambda _: "/grid?project=shop-api&branch=main",
    "grid-of-all-tests": lambda _: "/grid?project=shop-api&show=all",
    "failing": lambda _: "/failing",
    "failing-on-all-branches": lambda _: "/failing?branch=*",
    "flaky": lambda _: "/flaky",
    "flaky-of-a-project": lambda _: "/flaky?project=shop-web",
    "slowest": lambda _: "/slowest",
    "slower": lambda _: "/slowest?list=slower",
    "search": lambda _: "/search?q=delivery",
    "search-for-nothing": lambda _: "/search?q=nothing+is+called+so",
    "uploads": lambda _: "/uploads",
    "upload-refused": lambda site: str(
        site.value("select '/uploads/' || event_id from upload where error_code = 'not_xml' order by uploaded_at desc")
    ),
}


def pages_of_a_history(site: Site) -> dict[str, str]:
    """The pages of a history with one project, or of none, by the same names."""
    pages = {name: f"/{name}" for name in ("failing", "flaky", "slowest", "search", "uploads")} | {"projects": "/"}
    with site.connect() as connection:
        for project, run_id, commit, build_url in connection.execute(
            "select project, id, commit, build_url from run_summary order by uploaded_at desc limit 1"
        ):
            query = urlencode({"project": project})
            pages |= {
                "project": f"/project?{query}",
                "runs": f"/runs?{query}",
                "run": f"/runs/{run_id}",
                "grid": f"/grid?{query}",
                "flaky-of-a-project": f"/flaky?{query}",
                "search": "/search?q=a",
            }
            if commit:
                build = {"project": project, "commit": commit, "build_url": build_url}
                pages["build"] = "/builds?" + urlencode(build)
        for test_id, run_id in connection.execute(_FAILED):
            pages |= {"test": f"/tests/{test_id}", "result": f"/runs/{run_id}/tests/{test_id}"}
    return pages


# What is wrong with a request is a page as well.
PROBLEMS = {
    "no-such-page": ("/no-such-page", 404),
    "no-such-run": ("/runs/3b241101-e2bb-4255-8caf-4136c566a962", 404),
    "no-id": ("/runs/latest", 400),
}
