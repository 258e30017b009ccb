"""Builds the deployable package of the function: `python -m handler.package --target {aws,host}`."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

Target = Literal["aws", "host"]

# MiB, zipped. What is larger takes noticeably longer to start, and a dependency has slipped in.
MAX_SIZE = 15

DIST = Path(__file__).parent.parent / "dist"
REQUIREMENTS = Path(__file__).parent / "requirements.txt"
RDS_CA_BUNDLE = Path(__file__).parent / "rds-ca-bundle.pem"

_SOURCE = Path(__file__).parent
_TOOLS = {Path(__file__).name, "renew_rds_ca_bundle.py"}  # which the function does not need
_DEPLOYED = {".py", ".pem", ".sql", ".css", ".svg"}

_COMPILER = Path(__file__).parent / "compile_for_lambda.mjs"
# node is one of the Python dependencies.
_TOOLS_OF_PYTHON = Path(sys.executable).parent

# As the Lambda stack sets it: Python 3.13 on arm64. psycopg-binary's wheels need the first tag, and pip does
# not infer the older one from it.
_AWS_PLATFORM = [
    "--platform=manylinux_2_28_aarch64",
    "--platform=manylinux2014_aarch64",
    "--python-version=3.13",
    "--implementation=cp",
]

# The earliest time that a zip can hold: the bytes must not depend on when the package was built.
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)


class PackageError(Exception):
    """The package cannot be built; the message is one sentence for the user."""


def package_path(target: Target) -> Path:
    """Where the package for a target lies once it is built."""
    return DIST / f"handler-{target}.zip"


def build(target: Target) -> Path:
    """Builds the package and returns its path. Equal sources and requirements give equal bytes.

    Raises PackageError, and then leaves an earlier package as it was.
    """
    DIST.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=DIST, prefix=f".{target}-") as directory:
        dependencies, contents = Path(directory, "dependencies"), Path(directory, "contents")
        _install(target, dependencies)
        for name, path in (*_source_files(), *_dependency_files(dependencies)):
            (contents / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, contents / name)
        _compile_templates(contents)
        _compile(target, contents)
        package = Path(directory, "package.zip")
        _write_zip(package, contents)
        size = _mebibytes(package)
        if size > MAX_SIZE:
            raise PackageError(
                f"The package has {size:.1f} MiB, but at most {MAX_SIZE} are allowed:"
                f" remove a dependency from {REQUIREMENTS}."
            )
        path = package_path(target)
        package.replace(path)
    return path


def _install(target: Target, directory: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--no-deps", "--no-compile", "--only-binary=:all:", "--require-hashes"]
    command += [f"--requirement={REQUIREMENTS}", f"--target={directory}"]
    command += _AWS_PLATFORM if target == "aws" else []
    pip = subprocess.run(command, capture_output=True, text=True, check=False)
    if pip.returncode:
        last_line = (pip.stderr.strip() or "no message").splitlines()[-1]
        raise PackageError(f"pip cannot install the function's dependencies for target {target}: {last_line}")


def _compile_templates(directory: Path) -> None:
    """Has them as modules, which get byte code like all others."""
    # Here, since a synth wants to know where the package lies, and would wait for them.
    from jinja2 import TemplateError  # noqa: PLC0415

    from handler.showing.rendering import compile_templates  # noqa: PLC0415

    try:
        compile_templates(directory)
    except TemplateError as error:
        raise PackageError(f"The templates of the pages cannot be compiled: {error}") from None


def _compile(target: Target, directory: Path) -> None:
    """Puts byte code beside each source file: Lambda cannot write any, and would compile them at every cold start."""
    if target == "aws":
        command = ["node", str(_COMPILER), str(directory)]
    else:
        command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode=unchecked-hash", "-s", str(directory)]
        command += [str(directory)]
    # With other hashes, the constants of a set stand in another order.
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PATH": f"{_TOOLS_OF_PYTHON}{os.pathsep}{os.environ['PATH']}"}
    compiler = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if compiler.returncode:
        last_line = (compiler.stderr.strip() or "no message").splitlines()[-1]
        raise PackageError(f"The function cannot be compiled for target {target}: {last_line}")


def _source_files() -> Iterator[tuple[str, Path]]:
    for path in _SOURCE.rglob("*"):
        if path.suffix in _DEPLOYED and path.name not in _TOOLS:
            yield f"{_SOURCE.name}/{path.relative_to(_SOURCE).as_posix()}", path


def _dependency_files(directory: Path) -> Iterator[tuple[str, Path]]:
    for path in directory.rglob("*"):
        relative = path.relative_to(directory)
        top = relative.parts[0]
        # Command line tools, with the path of this machine's Python in them.
        if not path.is_file() or top == "bin":
            continue
        # The rest of a dist-info tells how and from where pip installed it.
        is_metadata = path.name == "METADATA" or "licen" in relative.as_posix().lower()
        if top.endswith(".dist-info") and not is_metadata:
            continue
        yield relative.as_posix(), path


def _write_zip(path: Path, directory: Path) -> None:
    files = {file.relative_to(directory).as_posix(): file for file in directory.rglob("*") if file.is_file()}
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _TIMESTAMP)
            entry.create_system = 3  # Unix, whatever this machine is, so that Lambda reads the mode below.
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, files[name].read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=9)


def _mebibytes(path: Path) -> float:
    return path.stat().st_size / 1024**2


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m handler.package", description="Builds the function's package.")
    parser.add_argument(
        "--target",
        required=True,
        choices=get_args(Target),
        help="aws: Lambda with Python 3.13 on arm64; host: this machine's Python and processor",
    )
    try:
        path = build(parser.parse_args(arguments).target)
    except PackageError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{path} {_mebibytes(path):.1f} MiB sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
