"""The worker processes of one command: started, watched, replaced, stopped."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import NamedTuple

from nas.core.errors import DeviceLost, NasError, OutOfMemory
from nas.core.processes import one_thread_each
from nas.studies.worker import main

REPLACEMENTS = 3
"""How often a worker is replaced in one run."""


@dataclass(frozen=True)
class End:
    """The end of a worker.

    Attributes:
        pid: its process.
        exitcode: 0 where it found nothing left to do; minus the signal, where one ended it.
        error: what it said, where it is something that the user can mend.
        size: how many there might be in all when it was started.
    """

    pid: int
    exitcode: int
    error: NasError | None
    size: int

    @property
    def death(self) -> str | None:
        """How it ended, for people; None where it left with something that the user can mend."""
        if isinstance(self.error, DeviceLost):
            return str(self.error)
        return None if self.error else told(self.exitcode)


def told(exitcode: int) -> str:
    """An exit code for people, with what it hints at."""
    if exitcode >= 0:
        return f"exit code {exitcode}"
    name = signal.Signals(-exitcode).name
    memory = "; often: out of memory" if name == "SIGKILL" else ""
    return f"exit code {exitcode}, {name}{memory}"


class _Worker(NamedTuple):
    process: SpawnProcess
    heard: Connection
    size: int


class Crew:
    """At most `size` workers on one job, a pickled `nas.studies.worker.Job`.

    Attributes:
        size: as given, or as few as there turned out to be room for.
    """

    def __init__(self, job: bytes, size: int) -> None:
        self._job, self._ranks, self.size = job, range(size), size
        self._live: dict[int, _Worker] = {}
        self._deaths: Counter[int] = Counter()

    @property
    def live(self) -> int:
        """How many are running."""
        return len(self._live)

    @property
    def pids(self) -> set[int]:
        """Of those that were not reaped yet."""
        return {worker.process.pid or 0 for worker in self._live.values()}

    @property
    def exhausted(self) -> bool:
        """True when none is left and none may be replaced."""
        return not self._live and not self._places()

    def shrink(self, end: End) -> int:
        """From now on fewer workers than that one found too many, at least one: the new size.

        Several that end in the same moment for want of memory take the place of one.
        """
        self.size = max(1, min(self.size, end.size - 1))
        return self.size

    def fill(self, wanted: int) -> None:
        """Starts workers until so many run, as far as there are places for them."""
        for rank in self._places()[: max(0, wanted - self.live)]:
            self._start(rank)

    def reap(self) -> list[End]:
        """Takes leave of the workers that ended."""
        ended = [rank for rank, each in self._live.items() if not each.process.is_alive()]
        return [self._bury(rank) for rank in ended]

    def wait(self, seconds: float) -> None:
        """Waits so long, or until a worker ends."""
        wait([worker.process.sentinel for worker in self._live.values()], timeout=seconds)

    def join(self, seconds: float) -> None:
        """Gives the workers, which have nothing left to do, so long to end by themselves."""
        for worker in self._live.values():
            worker.process.join(seconds)

    def stop(self) -> None:
        """Ends all workers at once; what they were training is lost."""
        for worker in self._live.values():
            worker.process.kill()
        for rank in list(self._live):
            self._bury(rank)

    def _places(self) -> list[int]:
        room = max(0, self.size - self.live)
        left = (rank for rank in self._ranks if self._deaths[rank] <= REPLACEMENTS)
        return [rank for rank in left if rank not in self._live][:room]

    def _start(self, rank: int) -> None:
        context = multiprocessing.get_context("spawn")
        heard, said = context.Pipe(duplex=False)
        arguments = self._job, rank, self.size == 1, said
        process = context.Process(target=main, args=arguments, name=f"worker {rank}")
        with one_thread_each(), deaf():
            process.start()
        said.close()
        self._live[rank] = _Worker(process, heard, self.size)

    def _bury(self, rank: int) -> End:
        process, heard, size = self._live.pop(rank)
        process.join()
        error = None
        try:
            error = heard.recv() if heard.poll() else None
        except EOFError:  # it said nothing
            pass
        pid, exitcode = process.pid or 0, process.exitcode or 0
        self._deaths[rank] += exitcode != 0 and not isinstance(error, OutOfMemory)
        heard.close()
        process.close()
        return End(pid, exitcode, error, size)


@contextmanager
def deaf() -> Iterator[None]:
    """Processes started in it ignore Ctrl-C from the first: the command ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
