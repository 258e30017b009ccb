"""`main.py` writes the stacks that were asked for, or says in one sentence what is wrong."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# As a user starts it, but with another folder for the packages. With `plain`, all bindings are imported first.
LAUNCHER = """
import pathlib, runpy, sys
dist, plain = sys.argv[1:]
if plain:
    import cdktf_cdktf_provider_aws
import handler.package
handler.package.DIST = pathlib.Path(dist)
runpy.run_path("{root}/main.py", run_name="__main__")
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packages for both targets."""
    directory = tmp_path_factory.mktemp("dist")
    for target in ("aws", "host"):
        with zipfile.ZipFile(directory / f"handler-{target}.zip", "w") as archive:
            archive.writestr(zipfile.ZipInfo("handler.py"), b"")
    return directory


@pytest.fixture(scope="module")
def run(dist: Path) -> Run:
    """Runs main.py in a directory, with these settings and no others."""

    def start(
        directory: Path, *, packages: Path = dist, plain: str = "", tables: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        directory.joinpath("cdktf.json").write_text("{}")
        directory.joinpath("environments.toml").write_text(tables)
        tools = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        home = {name: os.environ[name] for name in ("HOME", "XDG_CACHE_HOME") if name in os.environ}
        return subprocess.run(
            [sys.executable, "-c", LAUNCHER.format(root=ROOT), packages, plain],
            cwd=directory,
            env={"PATH": tools, "PYTHONPATH": str(ROOT), **home, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return start


def written(directory: Path) -> dict[str, bytes]:
    """All files below a directory."""
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()
    }


@pytest.fixture(scope="module")
def synthesized(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where main.py ran for pr42, after a run for another environment."""
    directory = tmp_path_factory.mktemp("project")
    directory.joinpath("cdktf.out", "stacks", "tap-s3-dev").mkdir(parents=True)
    finished = run(directory, ENVIRONMENT_SUFFIX="pr42")
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")
    return directory / "cdktf.out"


def test_writes_exactly_the_stacks_of_the_environment_and_the_account(synthesized: Path) -> None:
    """Twelve stacks, and none of another environment from before."""
    assert {path.name for path in (synthesized / "stacks").iterdir()} == {
        "tap-account",
        *(
            f"tap-{service}-pr42"
            for service in (
                *("s3", "vpc", "rds", "eventbridge", "parameter", "iam", "schema", "lambda", "results"),
                *("monitoring", "outputs"),
            )
        ),
    }


def test_lazy_bindings_write_the_same_as_the_plain_import(run: Run, synthesized: Path, tmp_path: Path) -> None:
    """All files are the same to the byte."""
    finished = run(tmp_path, plain="plain", ENVIRONMENT_SUFFIX="pr42")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert written(tmp_path / "cdktf.out") == written(synthesized)


def test_output_names_nothing_of_this_machine(synthesized: Path) -> None:
    """No path of the machine that synthesized is written down."""
    assert not [name for name, content in written(synthesized).items() if str(ROOT).encode() in content]


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        pytest.param({"ENVIRONMENT_SUFFIX": "Dev!"}, ["ENVIRONMENT_SUFFIX 'Dev!'", "use"], id="suffix"),
        pytest.param(
            {"tables": "[dev]\ndatabase_port = 80"},
            ["environments.toml: database_port = 80 in [dev]", "1150 to 65535"],
            id="out of range",
        ),
        pytest.param(
            {"tables": "[dev]\nbackup_retention = 36"},
            ["environments.toml: [dev] backup_retention 36", "1 to 35 days"],
            id="refused by a construct",
        ),
        pytest.param({"tables": "[account]\nzones = 1"}, ["[account] zones 1", "give 2 to 6"], id="too few zones"),
        pytest.param({"tables": "[dev]\nport = 5432"}, ["environments.toml: [dev] has no setting"], id="unknown"),
        pytest.param({"AWS_ENDPOINT_URL": "127.0.0.1"}, ["AWS_ENDPOINT_URL '127.0.0.1'", "give a URL"], id="malformed"),
        pytest.param(
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
            ["AWS_ENDPOINT_URL 'http://127.0.0.1:1'", "start the emulator", "unset"],
            id="unreachable endpoint",
        ),
        pytest.param({"packages": "nowhere"}, ["nowhere/handler-aws.zip", "make package"], id="missing package"),
    ],
)
def test_bad_input(run: Run, tmp_path: Path, settings: dict[str, str], names: list[str]) -> None:
    """One sentence that names the setting and the fix, exit code 1, no trace, and nothing written."""
    finished = run(tmp_path, **settings)
    assert (finished.returncode, finished.stdout) == (1, "")
    (line,) = finished.stderr.splitlines()
    assert line.startswith("TAP: ")
    assert [name for name in names if name not in line] == []
    assert list(tmp_path.rglob("cdk.tf.json")) == []
