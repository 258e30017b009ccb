"""Processes that run blocks of schedules side by side."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tests.chaos.blocks import run_block
from tests.chaos.world import World

# A schedule waits three quarters of its time: for timeouts, for the server to come back.
_SHARDS = 3 * (os.cpu_count() or 1)


@contextmanager
def shards() -> Iterator[list[Any]]:
    """Connections to processes, each with a world of its own, that take a seed and answer with its block."""
    context = multiprocessing.get_context("spawn")
    processes, connections = [], []
    for _ in range(_SHARDS):
        here, there = context.Pipe()
        process = context.Process(target=_shard, args=[there])
        process.start()
        there.close()
        processes.append(process)
        connections.append(here)
    try:
        yield connections
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _shard(there: Any) -> None:
    # Ctrl-C reaches this process as well; the one that started it says when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), World() as world:
        while True:
            there.send(run_block(world, there.recv()))
