"""Breaks the platform on purpose, again and again, and counts what comes of it: `make chaos`.

Each run goes on where the last one stopped, and adds to figures.json.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Callable, Iterable
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from tests.chaos import deploys, soak
from tests.chaos.blocks import CATEGORIES, SCHEDULES, Block, reproduce
from tests.chaos.figures import Figures
from tests.chaos.mutants import MUTANTS
from tests.chaos.mutation import become, found
from tests.chaos.shards import shards
from tests.chaos.world import World

_PICTURE = Path(__file__).parents[2] / "docs/pictures/dashboard.png"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--for", type=float, dest="minutes", metavar="MINUTES", help="stop after so many minutes")
    parser.add_argument("--schedules", type=int, metavar="N", help="run so many more, and not up to the goals")
    commands = parser.add_subparsers(dest="command")
    schedules = commands.add_parser(
        "schedules", help="run the schedules of one seed, and simplify the first that fails"
    )
    schedules.add_argument("--seed", type=int, required=True)
    mutants = commands.add_parser("mutants", help="break each promise of the functions on purpose, and see it noticed")
    mutants.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(MUTANTS)}")
    commands.add_parser("deploys", help="kill deploys, destroy one environment of three, change things by hand")
    soaked = commands.add_parser("soak", help="thousands of uploads to a deployed platform, half of them beside faults")
    soaked.add_argument("--uploads", type=int, metavar="N", help="only so many, for a try: nothing is counted")
    arguments = parser.parse_args()
    if arguments.command == "schedules":
        _reproduce(arguments.seed)
        return
    if arguments.command == "mutants":
        unnoticed = _unnoticed(arguments.names or MUTANTS)
        sys.exit(f"Nobody notices {', '.join(unnoticed)}" if unnoticed else 0)
    if arguments.command == "soak" and arguments.uploads:
        figures_of_try = soak.run(arguments.uploads)
        print(soak.summary(figures_of_try))
        sys.exit("\n".join(figures_of_try["wrong"]) or 0)
    figures = Figures()
    try:
        match arguments.command:
            case "deploys":
                deploys.run(figures.deploys, figures.note_deploy)
            case "soak":
                figures.set_soak(soak.run(picture=_PICTURE))
            case _ if arguments.minutes is arguments.schedules is None:
                _run_all(figures)
            case _:
                _run(figures, _end(figures, minutes=arguments.minutes, schedules=arguments.schedules))
    except KeyboardInterrupt:
        print("\nStopped; the next run goes on from here.")
    print(figures)
    sys.exit(f"{len(figures.missed)} figures are missed" if figures.missed else 0)


def _run_all(figures: Figures) -> None:
    """What no run before has done, the shortest first."""
    figures.set_mutants(_unnoticed(MUTANTS))
    if not figures.soak:
        figures.set_soak(soak.run(picture=_PICTURE))
    deploys.run(figures.deploys, figures.note_deploy)
    _run(figures, _end(figures, minutes=None, schedules=None))


def _reproduce(seed: int) -> None:
    with World() as world:
        if failed := reproduce(world, seed):
            sys.exit(failed)
    print(f"Nothing is wrong after the {SCHEDULES} schedules of seed {seed}.")


def _unnoticed(names: Iterable[str]) -> list[str]:
    """The mutants after whose schedule nothing is wrong. What is wrong without them is none of theirs."""
    unnoticed = []
    with World() as world:
        for name in names:
            if kinds := found(world, MUTANTS[name]):
                sys.exit(f"The functions as they are: {', '.join(kinds)} after the schedule of {name}.")
        for name in names:
            mutant = MUTANTS[name]
            become(world, mutant)
            kinds = found(world, mutant)
            print(f"{', '.join(kinds) or 'NOTHING':48} {mutant.guarantee} ({name})", flush=True)
            if not kinds:
                unnoticed.append(name)
    return unnoticed


def _end(figures: Figures, *, minutes: float | None, schedules: int | None) -> Callable[[], bool]:
    """Whether it is time to stop: as the arguments say, or when more schedules make no figure better."""
    begun, at_first = time.monotonic(), figures["schedules"]
    if minutes is not None:
        return lambda: time.monotonic() - begun >= 60 * minutes
    if schedules is not None:
        return lambda: figures["schedules"] - at_first >= schedules
    return lambda: not {"schedules", "kills of PostgreSQL"} & {goal.figure for goal in figures.missed}


def _run(figures: Figures, is_over: Callable[[], bool]) -> None:
    """Blocks in several processes, one after the other in each of them."""
    begun, at_first = time.monotonic(), figures["schedules"]
    seeds = itertools.count(figures.next_seed)
    with shards() as all_shards:
        for shard in all_shards:
            shard.send(next(seeds))
        busy: list[Any] = [*all_shards]
        while busy:
            ready: list[Any] = wait(busy)
            for shard in ready:
                block = shard.recv()
                figures.add(block)
                _show(figures, block, rate=(figures["schedules"] - at_first) / (time.monotonic() - begun))
                if is_over():
                    busy.remove(shard)
                else:
                    shard.send(next(seeds))


def _show(figures: Figures, block: Block, *, rate: float) -> None:
    for failed in block.failed:
        print(f"Seed {block.seed}: a schedule failed:\n{failed}")
    wrong = ", ".join(f"{figures[category]} {category}" for category in CATEGORIES)
    print(f"{figures['schedules']:,} schedules, {wrong}; {rate:.1f} a second", flush=True)


if __name__ == "__main__":
    main()
