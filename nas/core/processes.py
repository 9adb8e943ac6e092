"""What all worker processes have in common: one thread each, and no life without their command."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait

# With more threads, processes on the same cores slow each other down several times, and sums come
# out in another order, so the same seed would not give the same network.
THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)

WORKER = "NAS_WORKER"
"""Environment variable: a worker's number among those of its command."""


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Processes that are started here inherit an environment in which each uses one thread."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def end_with_command() -> None:
    """Ends this process as soon as the one that started it is gone, however that came."""
    threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    command = multiprocessing.parent_process()
    if command is not None:
        wait([command.sentinel])
        os._exit(1)
