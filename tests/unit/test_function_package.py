"""The package that is deployed is the one built for where it is to run."""

import platform
import sys
from pathlib import Path

import pytest

import handler.package
from handler.package import Target
from stacks.function_package import FunctionPackage, find_function_package
from stacks.settings import SettingsError


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(handler.package, "DIST", tmp_path)
    return tmp_path


def test_for_lambda(dist: Path) -> None:
    """Python 3.13 on arm64, as the wheels of the package are."""
    path = dist / "handler-aws.zip"
    path.touch()
    assert find_function_package("aws") == FunctionPackage(path=path, runtime="python3.13", architecture="arm64")


@pytest.mark.parametrize(("machine", "architecture"), [("x86_64", "x86_64"), ("aarch64", "arm64"), ("arm64", "arm64")])
def test_for_this_machine(dist: Path, monkeypatch: pytest.MonkeyPatch, machine: str, architecture: str) -> None:
    """The Python that builds it runs it; the processor is named as Lambda does."""
    monkeypatch.setattr(platform, "machine", lambda: machine)
    path = dist / "handler-host.zip"
    path.touch()
    assert find_function_package("host") == FunctionPackage(
        path=path, runtime=f"python3.{sys.version_info.minor}", architecture=architecture
    )


@pytest.mark.parametrize("target", ["aws", "host"])
def test_missing(dist: Path, target: Target) -> None:
    """The message names the file and how to build it."""
    with pytest.raises(SettingsError) as refused:
        find_function_package(target)
    assert str(refused.value).startswith(f"the function's package {dist}/handler-{target}.zip is missing: build it")


def test_missing_package_for_lambda_is_built_by_make(dist: Path) -> None:
    """`make package` builds it."""
    with pytest.raises(SettingsError, match=r"`make package`$"):
        find_function_package("aws")


def test_missing_package_for_this_machine_is_not_what_make_package_builds(dist: Path) -> None:
    """`make package` builds the one for Lambda: another command is named."""
    with pytest.raises(SettingsError, match=r"handler-host\.zip`|--target host`"):
        find_function_package("host")
