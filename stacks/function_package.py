"""The built package of the function, and the runtime that it was built for."""

import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from handler.package import Target, package_path
from stacks.settings import SettingsError


@dataclass(frozen=True, kw_only=True)
class FunctionPackage:
    """A zip file with its Lambda runtime (`python3.13`) and instruction set architecture (`arm64`, `x86_64`)."""

    path: Path
    runtime: str
    architecture: str


def find_function_package(target: Target) -> FunctionPackage:
    """The package for Lambda (`aws`) or for this machine's own Python and processor (`host`).

    Raises SettingsError if it has not been built.
    """
    path = package_path(target)
    if not path.is_file():
        command = "make package" if target == "aws" else f"make dist/{path.name}"
        raise SettingsError(f"the function's package {path} is missing: build it with `{command}`")
    if target == "aws":
        return FunctionPackage(path=path, runtime="python3.13", architecture="arm64")
    return FunctionPackage(
        path=path,
        runtime=f"python{sys.version_info.major}.{sys.version_info.minor}",
        architecture="arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64",
    )
