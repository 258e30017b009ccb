"""`upload` and `results` find the platform that `up` keeps, and say in one sentence what is wrong if there is none."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.access import Access
from local.cdktf import PROJECT
from local.emulator import EmulatedAws
from local.processes import free_port
from local.running import AlreadyRunsError, NothingRunsError, announcement, running_platform

NOTHING_RUNS = "nothing runs: start it with `make local` in another terminal"
NAME = 'my "first" report\'s.xml'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "platform.json"


@pytest.fixture
def access(tmp_path: Path) -> Access:
    """The way to a platform that does not answer."""
    outputs = {"bucket_name": "bucket", "db_instance_id": "instance"}
    return Access(
        aws=EmulatedAws(f"http://127.0.0.1:{free_port()}"),
        directory=tmp_path,
        outputs=outputs,
        results_address="http://127.0.0.1:4711",
    )


def run_local(*arguments: str | Path, directory: Path | None = None) -> tuple[int, str, str]:
    """`python -m local`: its exit code, output and errors."""
    answer = subprocess.run(
        [sys.executable, "-m", "local", *arguments],
        cwd=directory or PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.returncode, answer.stdout, answer.stderr


def test_announced_platform_is_found(file: Path, access: Access) -> None:
    with announcement(file) as announce:
        announce(access)
        with running_platform(file) as found:
            assert (found.aws.url, found.directory, found.outputs, found.results_address) == (
                access.aws.url,
                access.directory,
                access.outputs,
                access.results_address,
            )


def test_nothing_is_left_at_the_end(file: Path, access: Access) -> None:
    with announcement(file) as announce:
        announce(access)
    assert not file.exists()


def test_platform_that_is_starting_is_no_platform_yet(file: Path) -> None:
    with (
        announcement(file),
        pytest.raises(NothingRunsError, match=r"^`make local` is still starting: wait until"),
        running_platform(file),
    ):
        pass


def test_second_platform_is_refused(file: Path, access: Access) -> None:
    """And leaves the announcement of the first one alone."""
    with announcement(file) as announce:
        announce(access)
        before = file.read_text()
        with pytest.raises(AlreadyRunsError), announcement(file):
            pass
        assert file.read_text() == before


def test_file_of_a_killed_process_means_nothing(file: Path) -> None:
    """Whatever stands in it; and it keeps nobody from starting."""
    code = (
        "import sys, time; from pathlib import Path; from local.access import Access\n"
        "from local.emulator import EmulatedAws; from local.running import announcement\n"
        f"with announcement(Path({str(file)!r})) as announce:\n"
        "    announce(Access(aws=EmulatedAws('http://127.0.0.1:1'), directory=Path('/'), outputs={}))\n"
        "    print('announced', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    with process.stdout:
        process.stdout.readline()
    process.kill()
    process.wait()
    assert file.read_text()
    assert run_local("results", "--platform", file) == (1, "", f"TAP: {NOTHING_RUNS}\n")
    with announcement(file):
        assert file.read_text() == ""


@pytest.mark.parametrize("command", [("results",), ("upload", "report.xml", "--project", "shop")])
def test_no_file_means_that_nothing_runs(file: Path, command: tuple[str, ...]) -> None:
    assert run_local(*command, "--platform", file) == (1, "", f"TAP: {NOTHING_RUNS}\n")


def test_platform_that_does_not_answer(file: Path, access: Access) -> None:
    """Its emulator may have been killed; the sentence names the folder of the logs."""
    with announcement(file) as announce:
        announce(access)
        code, output, errors = run_local("results", "--platform", file)
    assert (code, output) == (1, "")
    assert errors == f"TAP: the platform does not answer (any more): see {access.directory}\n"


def test_second_up_is_refused_at_once(file: Path) -> None:
    """Before the minutes of deploying."""
    begin = time.monotonic()
    with announcement(file):
        code, output, errors = run_local("up", "--platform", file)
    assert (code, output) == (1, "")
    assert errors == "TAP: it runs already: use it, or stop it with Ctrl-C in its terminal\n"
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize(
    ("file_name", "options", "sentence"),
    [
        ("missing.xml", (), "missing.xml cannot be read (No such file or directory): name a report"),
        (".", (), ". cannot be read (Is a directory): name a report"),
        ("report.xml", ("--project", ""), "the project is empty: name it"),
        ("report.xml", ("--branch", "größer"), r"the branch 'gr\xf6\xdfer' is not printable ASCII"),
        ("report.xml", ("--commit", "a\nb"), r"the commit 'a\nb' is not printable ASCII"),
    ],
)
def test_upload_that_cannot_be_made(
    file: Path, access: Access, tmp_path: Path, file_name: str, options: tuple[str, ...], sentence: str
) -> None:
    """One sentence, and the exit code 1."""
    (tmp_path / "report.xml").touch()
    with announcement(file) as announce:
        announce(access)
        code, _, errors = run_local(
            "upload", file_name, "--project", "shop", *options, "--platform", file, directory=tmp_path
        )
    assert code == 1
    assert errors.startswith(f"TAP: {sentence}")
    assert errors.count("\n") == 1


@pytest.mark.parametrize("variables", [("PROJECT=shop",), ("FILE=report.xml",), ("FILE=report.xml", "PROJECT=")])
def test_make_upload_says_what_is_missing(variables: tuple[str, ...]) -> None:
    answer = make("upload", *variables)
    assert answer.returncode == 2
    assert answer.stderr.startswith("TAP: name a report and its project: make upload FILE=report.xml PROJECT=shop")


def test_make_redrive_says_what_is_missing() -> None:
    answer = make("redrive")
    assert answer.returncode == 2
    assert answer.stderr.startswith("TAP: name a queue: make redrive QUEUE=ingest, events or undelivered")


def test_make_hands_names_on_as_they_are() -> None:
    """With blanks and with quotes of both kinds."""
    command = f"{sys.executable} -c 'import sys; print(sys.argv[1:])'"
    answer = make("upload", f"FILE={NAME}", "PROJECT=my shop", "BRANCH=a;b", f"PY={command}")
    given = ["--project", "my shop", "--job", "", "--branch", "a;b", "--commit", "", "--build-url", ""]
    assert answer.stdout == f"{['-m', 'local', 'upload', *given, '--', NAME]}\n"


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make, without the set-up that it does first."""
    # What the make that runs these tests hands to its children is not for this one.
    from_make = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    environment = {name: value for name, value in os.environ.items() if name not in from_make}
    return subprocess.run(
        ["make", "--old-file=.venv/.ready", *arguments],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
