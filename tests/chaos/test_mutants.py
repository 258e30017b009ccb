"""Mutants are made of the sources as they are now; `python -m tests.chaos mutants` sees whether each is caught."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.checker import Kind
from tests.chaos.mutants import MUTANTS
from tests.chaos.mutation import DoesNotApply, Edit, Mutant, become, found, mutated
from tests.chaos.world import PACKAGE, World

ROOT = Path(__file__).parents[2]
ANY = next(iter(MUTANTS.values()))


def test_each_mutant_breaks_a_promise_of_its_own() -> None:
    assert len(MUTANTS) >= 20
    assert all(mutant.guarantee.endswith(".") for mutant in MUTANTS.values())


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_a_mutant_is_made_of_the_sources_as_they_are(mutant: Mutant) -> None:
    """And is Python still: one that cannot be imported would be caught for nothing."""
    edited = mutant.edited({edit.file: (ROOT / edit.file).read_text(encoding="utf-8") for edit in mutant.edits})
    for file, source in edited.items():
        assert source != (ROOT / file).read_text(encoding="utf-8")
        if file.endswith(".py"):
            compile(source, file, "exec")


@pytest.mark.parametrize(("old", "count"), [("x = 1", 0), ("= 2", 2)])
def test_a_mutant_that_applies_no_more_says_so(old: str, count: int) -> None:
    """Once the source is another, it would be the same as the function."""
    mutant = replace(ANY, edits=[Edit("a.py", old, "")])
    with pytest.raises(DoesNotApply, match=f"has {count} times"):
        mutant.edited({"a.py": "y = 2\nz = 2\n"})


def test_the_package_of_a_mutant_has_no_byte_code_of_what_was_edited(tmp_path: Path) -> None:
    """Python would take that, and not look at the source."""
    package, target = tmp_path / "handler.zip", tmp_path / "mutant.zip"
    with zipfile.ZipFile(package, "w") as archive:
        for name in ("a.py", "b.py"):
            archive.writestr(f"handler/{name}", f"# {name}")
            archive.writestr(f"handler/__pycache__/{name.removesuffix('.py')}.cpython-313.pyc", "compiled")
    mutated(replace(ANY, edits=[Edit("handler/a.py", "# a.py", "# edited")]), package, target)
    with zipfile.ZipFile(target) as archive:
        contents = {name: archive.read(name).decode() for name in archive.namelist()}
    assert contents == {
        "handler/a.py": "# edited",
        "handler/b.py": "# b.py",
        "handler/__pycache__/b.cpython-313.pyc": "compiled",
    }


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.mark.parametrize(
    ("name", "expected"), [("outbox-after-commit", Kind.missing_event), ("failure-swallowed", Kind.lost)]
)
def test_a_mutant_is_noticed(name: str, expected: Kind, world: World) -> None:
    """Two of those that `make chaos` goes through. The functions as they are do all right in the same schedule."""
    world.use(PACKAGE)
    assert found(world, MUTANTS[name]) == []
    become(world, MUTANTS[name])
    assert found(world, MUTANTS[name]) == [expected]
