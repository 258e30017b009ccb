"""An emulated account for each test, to plan in: nothing is deployed."""

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.cdktf import Cdktf, Tables
from local.emulator import Emulator
from tests.terraform import terraform, text_of

Synthesize = Callable[..., Cdktf]
Plan = Callable[..., tuple[int, str]]


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    with Emulator(log=tmp_path / "emulator.log") as emulator:
        yield emulator


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where everything is synthesized that this file plans."""
    with tempfile.TemporaryDirectory(prefix="tap-") as directory:
        yield Path(directory)


@pytest.fixture
def synthesize(emulator: Emulator, folder: Path) -> Synthesize:
    """Synthesizes as a user does, with these tables of `environments.toml` and these variables."""

    def run(tables: Tables | None = None, **variables: str) -> Cdktf:
        number = len(list(folder.iterdir()))
        cdktf = Cdktf(
            directory=folder / str(number),
            emulator=emulator,
            variables=variables,
            tables=tables or {},
            log=folder / f"{number}.log",
        )
        cdktf.synth()
        return cdktf

    return run


@pytest.fixture(scope="module")
def synthesized() -> dict[str, Cdktf]:
    """What was synthesized before, by its settings: that takes longer than a plan."""
    return {}


@pytest.fixture
def plan(emulator: Emulator, synthesize: Synthesize, synthesized: dict[str, Cdktf]) -> Plan:
    """Plans a stack in the emulated account: the exit code, and what Terraform says, in one line."""

    def run(stack: str, tables: Tables | None = None, **variables: str) -> tuple[int, str]:
        settings = json.dumps(tables)
        cdktf = synthesized.get(settings) or synthesized.setdefault(settings, synthesize(tables))
        cdktf.environment.update(emulator.environment(), **variables)
        if not (cdktf.directory / "cdktf.out" / "stacks" / stack / ".terraform").exists():
            assert terraform(cdktf, stack, "init", "-input=false").returncode == 0
        answer = terraform(cdktf, stack, "plan", "-input=false", "-no-color")
        return answer.returncode, text_of(answer)

    return run
