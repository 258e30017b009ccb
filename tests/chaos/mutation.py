"""Takes a promise out of the functions, and sees whether a schedule shows it."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tests.chaos.checker import Kind
from tests.chaos.runner import run
from tests.chaos.schedules import Schedule, Step
from tests.chaos.world import PACKAGE, World


class DoesNotApply(Exception):
    """The source that a mutant edits is another by now: say anew how its promise is broken."""


@dataclass(frozen=True)
class Edit:
    """`old` stands once in the file, whose path is that within the package, and is replaced by `new`."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """Functions that break one promise: `guarantee` says which.

    `schedule`: steps after which that has consequences. `is_migrated`: whether the database has its schema at the
    beginning, or gets it from the mutant.
    """

    name: str
    guarantee: str
    edits: Sequence[Edit]
    schedule: Sequence[Step]
    is_migrated: bool = True

    def edited(self, sources: dict[str, str]) -> dict[str, str]:
        """What becomes of these files of the package. Raises DoesNotApply."""
        edited: dict[str, str] = {}
        for edit in self.edits:
            source = edited.get(edit.file) or sources[edit.file]
            if (count := source.count(edit.old)) != 1:
                raise DoesNotApply(f"{self.name}: {edit.file} has {count} times what is to be edited: {edit.old!r}")
            edited[edit.file] = source.replace(edit.old, edit.new)
        return edited


def mutated(mutant: Mutant, package: Path, target: Path) -> None:
    """Makes a package of the mutant. Raises DoesNotApply."""
    with zipfile.ZipFile(package) as original, zipfile.ZipFile(target, "w") as changed:
        sources = {edit.file: original.read(edit.file).decode() for edit in mutant.edits}
        edited = mutant.edited(sources)
        for name in original.namelist():
            if not _is_compiled(name, edited):
                changed.writestr(name, edited.get(name) or original.read(name))


def _is_compiled(name: str, edited: Iterable[str]) -> bool:
    """Whether this is the byte code of one of these files: it is taken without a look at the source."""
    path = PurePosixPath(name)
    return path.suffix == ".pyc" and f"{path.parents[1] / path.name.partition('.')[0]}.py" in edited


def become(world: World, mutant: Mutant) -> None:
    """Has the world run the mutant instead of the functions."""
    with tempfile.TemporaryDirectory() as directory:
        package = Path(directory, "handler.zip")
        mutated(mutant, PACKAGE, package)
        world.use(package)


def found(world: World, mutant: Mutant) -> list[Kind]:
    """What is wrong after the mutant's schedule, with whatever functions the world runs."""
    violations = run(world, Schedule(steps=tuple(mutant.schedule), is_migrated=mutant.is_migrated))
    return sorted({violation.kind for violation in violations})
