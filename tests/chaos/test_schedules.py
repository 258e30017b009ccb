"""Each upload has exactly one effect in the database and at least one event, whatever fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.blocks import run_block
from tests.chaos.world import World


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World() as world:
        yield world


def test_nothing_is_lost_or_doubled_whatever_fails(world: World) -> None:
    """A short run of what `make chaos` does ten thousand times."""
    block = run_block(world, seed=22, schedules=25)
    assert not block.failed, "\n".join(block.failed)
    assert block.faults.total() > block.schedules
