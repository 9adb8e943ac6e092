"""Many independent calculations: in parallel processes, each once, its result kept in a file."""

from __future__ import annotations

import json
import multiprocessing
import pickle
import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

from experiments.identity import digest
from nas.core.errors import InvalidOption, WorkersDied
from nas.core.files import write_text
from nas.core.processes import end_with_command, one_thread_each

State = TypeVar("State")
Task = TypeVar("Task", bound=Hashable)


def results_of(
    function: Callable[[State, Task], Any], state: State, tasks: Sequence[Task], workers: int
) -> Iterator[tuple[Task, Any]]:
    """`function(state, task)` for each task as it comes, from processes with one thread each.

    Args:
        function: of a module; its results, like state and tasks, must be picklable.
        state: what all tasks share; sent to each process once.
        tasks: different ones.
        workers: processes.

    Raises:
        InvalidOption: something cannot be pickled.
        WorkersDied: a process was killed.
    """
    if not tasks:
        return
    try:
        pickled = pickle.dumps((function, state))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InvalidOption(
            f"surrogates, spaces and samplers must be picklable, but: {error}"
        ) from error
    with (
        one_thread_each(),
        ProcessPoolExecutor(
            min(workers, len(tasks)),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_receive,
            initargs=(pickled, sys.path),
        ) as pool,
    ):
        futures = {pool.submit(_run, task): task for task in tasks}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise WorkersDied(
                "a worker was killed, perhaps for lack of memory; what was done is kept: run "
                "again with fewer --workers"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


_call: tuple[Callable[[Any, Any], Any], Any] | None = None  # in a worker: what it was started for


def _receive(pickled: bytes, path: list[str]) -> None:
    global _call
    end_with_command()
    sys.path[:] = path
    _call = pickle.loads(pickled)


def _run(task: Any) -> Any:
    assert _call is not None
    function, state = _call
    return function(state, task)


class Kept:
    """Results as JSON files, named by everything that they depend on.

    Args:
        folder: with a file for each result that was ever kept there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, depends: object) -> Any:
        """The result that was kept under these JSON values, or None."""
        try:
            return json.loads(self._path(depends).read_text())
        except (FileNotFoundError, ValueError):  # a broken file is made again
            return None

    def write(self, depends: object, result: Any) -> None:
        """Keeps a result."""
        write_text(self._path(depends), json.dumps(result))

    def _path(self, depends: object) -> Path:
        return self._folder / f"{digest(depends)}.json"
