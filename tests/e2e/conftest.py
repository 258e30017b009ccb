"""The platform, deployed once per run: everything in this folder looks at the same environment."""

from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from local.platform import Platform
from local.prerequisites import terraform_problem


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    if problem := terraform_problem():
        pytest.fail(problem)
    with Platform("e2e", tmp_path_factory.mktemp("platform"), lambda _: nullcontext()) as platform:
        yield platform
