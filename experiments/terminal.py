"""What people see in a terminal: tables, a progress bar, and what to do next."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NoReturn, TextIO

from nas.core.errors import InvalidOption

if TYPE_CHECKING:
    from nas.studies import Progress

PLAIN_EVERY = 10.0
"""Seconds between progress lines where there is no terminal."""


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns are aligned; every column but the first to the right."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        first = cells[0].ljust(widths[0])
        rest = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        return "| " + " | ".join([first, *rest]) + " |"

    first, *others = (width + 2 for width in widths)
    rule = "|".join(["", "-" * first, *("-" * (width - 1) + ":" for width in others), ""])
    return "\n".join([line(header), rule, *map(line, rows)])


def has_terminal() -> bool:
    """True where people see stderr in a terminal; one without columns shows nothing."""
    return sys.stderr.isatty() and os.get_terminal_size(sys.stderr.fileno()).columns > 0


def say(text: str = "") -> None:
    """Prints a line on stdout."""
    _print(text, sys.stdout)


def warn(text: str) -> None:
    """Prints one line on stderr."""
    _print(f"nas: warning: {text}", sys.stderr)


def _print(text: str, stream: TextIO) -> None:
    """Prints a line at once, also into a pipe; one that nobody reads any more ends no work."""
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def wrote(paths: Sequence[object], following: Sequence[str] = ()) -> None:
    """Ends a verb: what it wrote, and what to run next."""
    for path in paths:
        say(f"wrote {path}")
    for index, command in enumerate(following):
        say(f"{'next:' if index == 0 else '     '} {command}")


def trusting(packages: Sequence[str] | None) -> str:
    """The option that a following command needs for classes of these packages."""
    return f" --trust '[{', '.join(packages)}]'" if packages else ""


class ProgressBar:
    """Shows how far something long is: a bar in a terminal, a line now and then elsewhere."""

    def __init__(self, label: str) -> None:
        from tqdm import tqdm

        self._label, self._shown = label, -1
        self._last = time.monotonic()
        self._bar: tqdm[NoReturn] | None = None
        if has_terminal():
            form = label + " {percentage:3.0f}%|{bar:24}| {desc}"
            self._bar = tqdm(total=1.0, bar_format=form, leave=True)

    def __call__(self, progress: Progress) -> None:
        """Shows where the networks of a `collect` stand."""
        share = progress.work_done / progress.work_total if progress.work_total else 1.0
        self.show(progress.done, progress.total, describe(progress), share)

    def show(self, done: int, total: int, text: str, share: float | None = None) -> None:
        """Shows a text, and how much is done: that share, or that of the total."""
        if self._bar is not None:
            self._bar.n = min(done / total if share is None else share, 1.0)
            self._bar.set_description_str(text)
            return
        due = time.monotonic() - self._last >= PLAIN_EVERY
        if done != self._shown and (due or done >= total):
            self._shown, self._last = done, time.monotonic()
            _print(f"{self._label}: {text}", sys.stderr)

    def close(self) -> None:
        """Ends the bar's line."""
        if self._bar is not None:
            self._bar.close()


def describe(progress: Progress) -> str:
    """Counts, best so far, and the time that is left."""
    words = [f"{progress.done}/{progress.total} networks"]
    if progress.failed:
        words.append(f"{progress.failed} failed")
    if progress.best is not None:
        words.append(f"best {progress.best:.2%}")
    if progress.eta is not None and progress.done < progress.total:
        words.append(f"{clock(progress.eta)} left")
    return ", ".join(words)


def clock(seconds: float) -> str:
    """Seconds as people say them: 45s, 3m 20s, 2h 05m."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"


WORKERS_PER_GPU = 4


def training_workers(workers: int | Literal["auto"], device: str) -> int:
    """How many processes train at a time: one a core, or some for each GPU.

    One process alone cannot keep a GPU busy with small networks. Where memory does not suffice for
    so many, `collect` goes on with fewer.
    """
    if workers != "auto" or device == "cpu":
        return worker_count(workers)
    import torch

    gpus = torch.cuda.device_count() if device in ("auto", "cuda") else 1
    cores = worker_count("auto")
    return min(cores, WORKERS_PER_GPU * gpus) if torch.cuda.is_available() else cores


def worker_count(workers: int | Literal["auto"]) -> int:
    """How many processes: one a core that this process may use, unless told otherwise."""
    if workers == "auto":
        from joblib import cpu_count  # knows what a container may use

        return int(cpu_count())
    if workers < 1:
        raise InvalidOption(f"--workers must be 'auto' or at least 1, but got {workers}")
    return workers
