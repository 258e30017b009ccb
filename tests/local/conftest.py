"""What the tests of `local/` share: one emulator, and names that no two tests have in common."""

import uuid
from collections.abc import Iterator

import pytest

from local.emulator import Emulator


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(log=tmp_path_factory.mktemp("emulator") / "moto.log") as running:
        yield running


@pytest.fixture
def name() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"
