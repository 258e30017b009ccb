"""The list that a runner can go by, and what docs/api.md does with it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from handler.showing import quarantine
from tests.browser.helpers.history import History
from tests.handler.helpers.recorder import Recorder, ago, case
from tests.handler.helpers.results import Results

DOCS = Path(__file__).parents[3] / "docs/api.md"


def listed(results: Results, **query: str) -> list[tuple[str, list[str]]]:
    answer = results.get("/api/quarantine", **{"project": "shop", **query}).json
    assert answer["count"] == len(answer["tests"])
    return [(test["name"], test["reasons"]) for test in answer["tests"]]


def moment(days: float) -> str:
    return f"{ago(days):%Y-%m-%dT%H:%M:%SZ}"


class TestTheList:
    def test_has_what_fails_and_what_is_flaky_with_all_of_its_names(self, results: Results, recorder: Recorder) -> None:
        names = {"file": "tests/cart.py", "classname": "Cart"}
        recorder.record(
            case("passed", "fails", **names), case("passed", "both"), case("passed", "is well"), commit="c0", days_ago=4
        )
        recorder.record(case("failed", "fails", **names), case("passed", "both"), commit="c1", days_ago=3)
        recorder.record(
            case("error", "fails", **names), case("failed", "both"), case("flaky", "reruns"), commit="c1", days_ago=2
        )
        answer = results.get("/api/quarantine", project="shop").json
        assert {name: answer[name] for name in ("project", "branch", "count")} == {
            "project": "shop",
            "branch": "main",
            "count": 3,
        }
        tests: dict[str, Any] = {test.pop("name"): test for test in answer["tests"]}
        ids = {name: str(test_id) for name, test_id in recorder.query("select name, id from test")}
        assert tests == {
            "fails": {
                "test_id": ids["fails"],
                "file": "tests/cart.py",
                "suite": None,
                "classname": "Cart",
                "variant": None,
                "reasons": ["failing"],
                "failing_since": moment(3),
                "first_failing_commit": "c1",
                "flaky_commits": 0,
                "flaky_reruns": 0,
                "last_flaky_at": None,
            },
            "both": {
                "test_id": ids["both"],
                "file": None,
                "suite": None,
                "classname": None,
                "variant": None,
                "reasons": ["failing", "flaky"],
                "failing_since": moment(2),
                "first_failing_commit": "c1",
                "flaky_commits": 1,
                "flaky_reruns": 0,
                "last_flaky_at": moment(2),
            },
            "reruns": {
                "test_id": ids["reruns"],
                "file": None,
                "suite": None,
                "classname": None,
                "variant": None,
                "reasons": ["flaky"],
                "failing_since": None,
                "first_failing_commit": None,
                "flaky_commits": 0,
                "flaky_reruns": 1,
                "last_flaky_at": moment(2),
            },
        }

    def test_has_what_fails_in_any_series_since_the_first(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("failed"), series="linux", days_ago=2)
        recorder.record(case("failed"), series="mac", days_ago=3)
        [test] = results.get("/api/quarantine", project="shop").json["tests"]
        assert test["failing_since"] == moment(3)

    def test_forgets_what_is_long_ago_or_was_mended(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("failed", "gone"), case("flaky", "calm"), days_ago=31)
        recorder.record(case("failed", "mended"), commit="c1", days_ago=2)
        recorder.record(case("passed", "mended"), commit="c2", days_ago=1)
        assert listed(results) == []

    def test_is_of_the_main_branch_unless_it_is_told_another(self, results: Results, recorder: Recorder) -> None:
        recorder.record(case("failed", "main"), case("passed", "pr"))
        recorder.record(case("failed", "pr"), branch="pr/7", commit="c7")
        recorder.record(case("flaky", "reruns"), branch="pr/8", commit="c8")
        recorder.record(case("failed", "others"), project="mobile")
        assert listed(results) == [("main", ["failing"]), ("reruns", ["flaky"])]
        assert listed(results, branch="pr/7") == [("pr", ["failing"]), ("reruns", ["flaky"])]
        assert listed(results, branch="pr/9") == [("reruns", ["flaky"])]

    def test_has_as_many_as_there_is_room_for(
        self, results: Results, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recorder.record(*(case("failed", f"test_{number}") for number in range(10)))
        monkeypatch.setattr(quarantine, "_NAMES", 20)
        answer = results.get("/api/quarantine", project="shop").json
        assert (answer["count"], [test["name"] for test in answer["tests"]]) == (10, ["test_0", "test_1", "test_2"])
        monkeypatch.setattr(quarantine, "_NAMES", 100)
        monkeypatch.setattr(quarantine, "_TESTS", 2)
        answer = results.get("/api/quarantine", project="shop").json
        assert (answer["count"], [test["name"] for test in answer["tests"]]) == (10, ["test_0", "test_1"])

    def test_stays_below_what_lambda_takes_with_the_longest_names(self, results: Results, recorder: Recorder) -> None:
        backslashes = "\\" * 1020
        names = {"file": f"a/{backslashes}", "classname": f"b{backslashes}"}
        recorder.record(*(case("failed", f"{number}{backslashes}", **names) for number in range(900)))
        answer = results.get("/api/quarantine", project="shop")
        assert answer.status == 200
        assert answer.json["count"] == 900
        assert 3_000_000 < len(answer.text) < 4_000_000

    def test_of_an_unknown_project_is_not_there(self, results: Results) -> None:
        answer = results.get("/api/quarantine", project="shop")
        assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")


def documented(language: str, beginning: str) -> str:
    """A piece of code of the docs."""
    [code] = [
        code for code in re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(), re.DOTALL) if beginning in code
    ]
    return str(code)


class TestPytest:
    def test_does_not_count_what_is_in_quarantine(self, results: Results, history: History, tmp_path: Path) -> None:
        """The example of the docs: with a list of what failed, the same tests pass, and a new failure still fails."""
        project = tmp_path / "tests"
        project.mkdir()
        (project / "test_cart.py").write_text(
            "import pytest\n"
            "def test_sums(): assert False\n"
            "def test_ships(): pass\n"
            "class TestCart:\n"
            "    @pytest.mark.parametrize('key', ['a', '::]['])\n"
            "    def test_adds(self, key): assert False\n"
            "    def test_sums(self): pass\n"
        )
        (tmp_path / "conftest.py").write_text(documented("python", "pytest_collection_modifyitems"))

        def run() -> tuple[int, str]:
            command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--junitxml=report.xml", "-q"]
            # Without what somebody wants of all their runs of pytest.
            environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
            pytest_ = subprocess.run(
                command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
            )
            return pytest_.returncode, re.sub(r" in [\d.]+s", "", pytest_.stdout.splitlines()[-1])

        assert run() == (1, "3 failed, 2 passed")
        metadata = {"tap-project": "shop", "tap-branch": "main"}
        report = (tmp_path / "report.xml").read_text()
        history.upload(report, key="shop/report.xml", at=datetime.now(UTC) - timedelta(hours=1), metadata=metadata)
        (tmp_path / "quarantine.json").write_text(results.get("/api/quarantine", project="shop").text)
        assert run() == (0, "2 passed, 3 xfailed")
        (project / "test_pay.py").write_text("def test_sums(): assert False\n")
        assert run() == (1, "1 failed, 2 passed, 3 xfailed")


class TestOtherRunners:
    LIST = json.dumps(
        {
            "tests": [
                {"classname": "shop.CheckoutTest", "name": "amount(int)[1]"},
                {"classname": "shop.CheckoutTest", "name": "amount(int)[2]"},
                {"classname": "shop.CartTest", "name": "adds"},
                {"classname": "cart.spec.js", "name": "Cart › adds (a|b) [1] $2.00?"},
            ]
        }
    )

    def quoted(self, command: str, quarantine: str, tmp_path: Path) -> str:
        """What the shell hands to the program as the argument that is made of the list."""
        script = documented("sh", "npx playwright")
        [argument] = re.findall(rf'{command}(?:=| )("\$\(.*?\)")\n', script, re.DOTALL)
        (tmp_path / "quarantine.json").write_text(quarantine)
        bash = ["bash", "-c", f"printf %s {argument}"]
        return subprocess.run(bash, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    def test_playwright_leaves_out_these_titles(self, tmp_path: Path) -> None:
        pattern = self.quoted("--grep-invert", self.LIST, tmp_path)
        assert re.search(pattern, "chromium cart.spec.js Cart adds (a|b) [1] $2.00? @slow")
        assert not re.search(pattern, "chromium cart.spec.js Cart add a")
        nothing = self.quoted("--grep-invert", '{"tests": []}', tmp_path)
        assert not re.search(nothing, "chromium cart.spec.js Cart adds")

    def test_maven_leaves_out_these_methods(self, tmp_path: Path) -> None:
        names = self.quoted("-Dtest", self.LIST, tmp_path).split(",")
        assert "!shop.CheckoutTest#amount" in names
        assert "!shop.CartTest#adds" in names
        assert len(names) == 3
