"""The deployable package."""

import hashlib
import importlib.util
import os
import re
import runpy
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from handler import package
from handler.showing import rendering

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[package.Target, Path]]:
    """Both packages, built once, apart from what `make package` left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(package, "DIST", tmp_path_factory.mktemp("project") / "dist")
        yield {"aws": package.build("aws"), "host": package.build("host")}


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(package, "DIST", tmp_path)
    return tmp_path


@pytest.fixture
def one_dependency(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Requirements that are quickly installed, where it does not matter which they are."""
    requirements = tmp_path_factory.mktemp("requirements") / "requirements.txt"
    pins = package.REQUIREMENTS.read_text()
    requirements.write_text(pins[pins.index("jmespath==") : pins.index("psycopg==")])
    monkeypatch.setattr(package, "REQUIREMENTS", requirements)
    return requirements


@pytest.fixture
def no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip as on a machine without a network."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_packages_lie_in_the_dist_folder() -> None:
    """Where the stacks and the one-machine mode look for them."""
    assert package.package_path("aws") == ROOT / "dist" / "handler-aws.zip"
    assert package.package_path("host") == ROOT / "dist" / "handler-host.zip"


@pytest.mark.usefixtures("dist")
def test_a_package_built_twice_has_the_same_bytes(built: dict[package.Target, Path]) -> None:
    """Or every deployment would replace the function."""
    assert package.build("aws").read_bytes() == built["aws"].read_bytes()


def test_it_holds_the_source_and_nothing_else_of_the_handler(built: dict[package.Target, Path]) -> None:
    """Neither the tools that build it nor anything that Python or an editor left there."""
    inside = [PurePosixPath(name) for name in names(built["aws"]) if name.startswith("handler/")]
    of_handler = {path for path in inside if path.parent.name != "__pycache__"}
    assert {str(path.parent) for path in of_handler} == {
        "handler",
        "handler/announcing",
        "handler/reading",
        "handler/recording",
        "handler/recording/migrations",
        "handler/showing",
        "handler/showing/compiled_templates",
        "handler/showing/static",
    }
    assert {path.suffix for path in of_handler} == {".py", ".sql", ".pem", ".css", ".svg"}
    assert {
        "ingest_function.py",
        "schema_function.py",
        "results_function.py",
        "junit.py",
        "outbox.py",
        "0001_first_schema.sql",
        "style.css",
    } <= {path.name for path in of_handler}
    assert not {"package.py", "renew_rds_ca_bundle.py"} & {path.name for path in of_handler}


def test_it_holds_the_dependencies_and_not_the_runtimes_own(built: dict[package.Target, Path]) -> None:
    """Lambda brings botocore, which is larger than all the rest."""
    top_level = {name.split("/")[0] for name in names(built["aws"]) if not name.startswith("__pycache__/")}
    assert {name for name in top_level if not name.endswith(".dist-info")} == {
        "aws_lambda_powertools",
        "handler",
        "jinja2",
        "jmespath",
        "markupsafe",
        "psycopg",
        "psycopg_binary",
        "psycopg_binary.libs",
        "typing_extensions.py",
    }


def test_every_module_has_the_byte_code_of_the_runtime(built: dict[package.Target, Path]) -> None:
    """Whatever Python builds it; that of the source is not asked for, which has no time in the package."""
    unchecked = b"\x01\x00\x00\x00"
    # https://github.com/python/cpython/blob/3.13/Include/internal/pycore_magic_number.h
    of_python_3_13 = (3571).to_bytes(2, "little") + b"\r\n"
    expected: dict[package.Target, tuple[str, bytes]] = {
        "aws": ("cpython-313", of_python_3_13),
        "host": (str(sys.implementation.cache_tag), importlib.util.MAGIC_NUMBER),
    }
    for target, (tag, magic) in expected.items():
        with zipfile.ZipFile(built[target]) as archive:
            sources = {PurePosixPath(name) for name in archive.namelist() if name.endswith(".py")}
            byte_code = {name for name in archive.namelist() if name.endswith(".pyc")}
            assert byte_code == {str(it.parent / "__pycache__" / f"{it.stem}.{tag}.pyc") for it in sources}
            assert {archive.read(name)[:8] for name in byte_code} == {magic + unchecked}


def test_no_byte_code_names_this_machine(built: dict[package.Target, Path]) -> None:
    """Stack traces name a file as Lambda has it."""
    with zipfile.ZipFile(built["aws"]) as archive:
        for name in archive.namelist():
            if name.endswith(".pyc"):
                code = archive.read(name)
                assert b"/var/task/" in code
                assert str(built["aws"].parent).encode() not in code


def test_a_module_that_cannot_be_compiled_is_told(
    dist: Path, one_dependency: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line."""
    source = tmp_path / "handler"
    source.mkdir()
    (source / "broken.py").write_text("def")
    monkeypatch.setattr(package, "_SOURCE", source)
    for target in ("aws", "host"):
        with pytest.raises(package.PackageError, match=f"The function cannot be compiled for target {target}: "):
            package.build(target)


def test_it_holds_no_trace_of_pip(built: dict[package.Target, Path]) -> None:
    """What stays of a dist-info is its metadata and its licence."""
    traces = re.compile(r"INSTALLER|RECORD|REQUESTED|WHEEL")
    kept = {"psycopg-3.3.9.dist-info/METADATA", "psycopg-3.3.9.dist-info/licenses/LICENSE.txt"}
    for path in built.values():
        assert [name for name in names(path) if traces.search(name)] == []
        assert kept <= set(names(path))


def test_every_entry_has_the_same_time_and_mode(built: dict[package.Target, Path]) -> None:
    """Lambda runs it as another user, who must be able to read it."""
    with zipfile.ZipFile(built["aws"]) as archive:
        kinds = {(entry.date_time, entry.external_attr >> 16, entry.create_system) for entry in archive.infolist()}
    assert kinds == {((1980, 1, 1, 0, 0, 0), 0o100644, 3)}


def test_the_native_code_for_aws_is_of_python_3_13_on_arm64(built: dict[package.Target, Path]) -> None:
    """By its name and by its ELF header (machine 183 is AArch64)."""
    with zipfile.ZipFile(built["aws"]) as archive:
        modules = [name for name in archive.namelist() if re.search(r"\.so(\.|$)", name)]
        machines = {int.from_bytes(archive.read(name)[18:20], "little") for name in modules}
    assert "psycopg_binary/_psycopg.cpython-313-aarch64-linux-gnu.so" in modules
    assert machines == {183}


def test_the_package_for_the_host_runs_here(built: dict[package.Target, Path], tmp_path: Path) -> None:
    """With botocore from this environment, as Lambda has it from its runtime."""
    with zipfile.ZipFile(built["host"]) as archive:
        archive.extractall(tmp_path)
    program = (
        "import handler.ingest_function as entry_point, psycopg;"
        " print(entry_point.__file__, psycopg.pq.__impl__, psycopg.__file__)"
    )
    process = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.split() == [
        str(tmp_path / "handler" / "ingest_function.py"),
        "binary",
        str(tmp_path / "psycopg" / "__init__.py"),
    ]


def test_templates_are_compiled(built: dict[package.Target, Path], tmp_path: Path) -> None:
    """All of them, and that is what pages are made from: none is read in Lambda."""
    templates = list((ROOT / "handler" / "showing" / "templates").iterdir())
    modules = [name for name in names(built["host"]) if re.search(r"/compiled_templates/tmpl_\w+\.py$", name)]
    assert len(modules) == len(templates) > 10
    assert not [name for name in names(built["host"]) if name.endswith(".html")]
    with zipfile.ZipFile(built["host"]) as archive:
        archive.extractall(tmp_path)
    program = (
        "from http import HTTPStatus; from handler.showing.rendering import Problem, Renderer;"
        " renderer = Renderer(address='https://tap.example', environment='dev');"
        " problem = Problem(HTTPStatus.NOT_FOUND, 'There is nothing & nobody.');"
        " print(renderer.problem(renderer.view_of('/'), problem)[1])"
    )
    process = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "There is nothing &amp; nobody." in process.stdout


def test_a_template_that_cannot_be_compiled_is_told(
    dist: Path, one_dependency: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line."""
    (tmp_path / "broken.html").write_text("{% if %}")
    monkeypatch.setattr(rendering, "_TEMPLATES", tmp_path)
    with pytest.raises(package.PackageError, match=r"^The templates of the pages cannot be compiled: expected .*$"):
        package.build("host")
    assert list(dist.iterdir()) == [tmp_path / "broken.html"]


@pytest.mark.usefixtures("no_index")
def test_an_earlier_package_survives_a_failed_build(dist: Path) -> None:
    """And nothing half-made lies beside it."""
    package.package_path("aws").write_bytes(b"earlier")
    with pytest.raises(package.PackageError):
        package.build("aws")
    assert [path.name for path in dist.iterdir()] == ["handler-aws.zip"]
    assert package.package_path("aws").read_bytes() == b"earlier"


@pytest.mark.usefixtures("dist", "no_index")
def test_what_pip_cannot_do_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """With pip's own last words, and exit code 1."""
    assert package.main(["--target", "aws"]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == (
        "pip cannot install the function's dependencies for target aws:"
        " ERROR: No matching distribution found for aws-lambda-powertools==3.37.0\n"
    )


@pytest.mark.usefixtures("dist")
def test_a_wrong_hash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else than what was pinned is deployed."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"jmespath==1.1.0 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(package, "REQUIREMENTS", requirements)
    with pytest.raises(package.PackageError, match="pip cannot install the function's dependencies for target aws"):
        package.build("aws")


def test_a_package_over_the_limit_is_refused(dist: Path, one_dependency: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left of it."""
    monkeypatch.setattr(package, "MAX_SIZE", 0)
    sentence = rf"The package has 0\.\d MiB, but at most 0 are allowed: remove a dependency from {one_dependency}\."
    with pytest.raises(package.PackageError, match=sentence):
        package.build("host")
    assert list(dist.iterdir()) == []


@pytest.mark.usefixtures("one_dependency")
def test_the_command_prints_path_size_and_hash(dist: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In one line, for people and for logs."""
    assert package.main(["--target", "host"]) == 0
    path = dist / "handler-host.zip"
    size = f"{path.stat().st_size / 1024**2:.1f}"
    assert capsys.readouterr().out == f"{path} {size} MiB sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.mark.parametrize("target", ["lambda", ""])
def test_an_unknown_target_is_refused(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The sentence names those that there are."""
    with pytest.raises(SystemExit) as exit_:
        package.main(["--target", target])
    assert exit_.value.code == 2
    assert "aws" in capsys.readouterr().err


def test_it_runs_as_a_module(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Its help names the targets."""
    monkeypatch.setattr(sys, "argv", ["package.py", "--help"])
    monkeypatch.delitem(sys.modules, "handler.package")
    with pytest.raises(SystemExit) as exit_:
        runpy.run_module("handler.package", run_name="__main__")
    assert exit_.value.code == 0
    assert "usage: python -m handler.package [-h] --target {aws,host}" in capsys.readouterr().out
