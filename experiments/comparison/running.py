"""Runs the judgements of a comparison: in parallel, each once, kept in the run folder."""

from __future__ import annotations

import hashlib
import inspect
import json
import multiprocessing
import os
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from experiments.comparison.judging import Judged, Split, judge
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption
from nas.core.files import write_text
from nas.core.interfaces import Surrogate

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Work:
    """What is judged: each surrogate on each split.

    Attributes:
        corpus: finished networks.
        surrogates: by name.
        splits: the same for all.
        observed: share of the curve for surrogates that read curves.
    """

    corpus: Corpus
    surrogates: Mapping[str, Surrogate]
    splits: Sequence[Split]
    observed: float


Results = dict[str, dict[Split, Judged]]


def run(
    work: Work, cache: Path, workers: int, on_result: Callable[[str, Split, bool], None]
) -> Results:
    """Judges every surrogate on every split; what the cache holds is not run again.

    Args:
        work: what to judge.
        cache: folder with a file for each judgement that was ever made there.
        workers: processes, one thread each.
        on_result: called with (name, split, whether it came from the cache).
    """
    results: Results = {name: {} for name in work.surrogates}
    files = Cache(cache, work)
    missing = []
    for name in work.surrogates:
        for split in work.splits:
            known = files.read(name, split)
            if known is None:
                missing.append((name, split))
            else:
                results[name][split] = known
                on_result(name, split, True)
    for name, split, judged in _judge_all(work, missing, workers):
        files.write(name, split, judged)
        results[name][split] = judged
        on_result(name, split, False)
    return results


class Cache:
    """Judgements as files, named by everything that they depend on."""

    def __init__(self, folder: Path, work: Work) -> None:
        self._folder, self._work = folder, work
        content = [work.corpus.header.to_json(), *(r.to_json() for r in work.corpus)]
        self._corpus = _digest(content)

    def read(self, name: str, split: Split) -> Judged | None:
        """The judgement, if it was made before."""
        try:
            return Judged.from_json(json.loads(self._path(name, split).read_text()))
        except (FileNotFoundError, ValueError, TypeError):  # a broken file is made again
            return None

    def write(self, name: str, split: Split, judged: Judged) -> None:
        """Keeps a judgement."""
        write_text(self._path(name, split), json.dumps(vars(judged)))

    def _path(self, name: str, split: Split) -> Path:
        surrogate = type(self._work.surrogates[name])
        parts = [
            self._corpus,
            f"{surrogate.__module__}.{name}",
            _source(surrogate),
            vars(split),
            self._work.observed if surrogate.reads_curves else 0,
        ]
        return self._folder / f"{_digest(parts)}.json"


def _source(surrogate: type[Surrogate]) -> str:
    """The code of the surrogate's module: a judgement does not outlive a change of it."""
    try:
        return inspect.getsource(sys.modules[surrogate.__module__])
    except (OSError, TypeError):
        return ""


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:24]


def _judge_all(
    work: Work, tasks: Sequence[tuple[str, Split]], workers: int
) -> Iterator[tuple[str, Split, Judged]]:
    """Judgements as they come, from processes of their own."""
    if not tasks:
        return
    try:
        pickled = pickle.dumps(work)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InvalidOption(f"surrogates must be picklable, but: {error}") from error
    with (
        _one_thread_each(),
        ProcessPoolExecutor(
            min(workers, len(tasks)),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_receive,
            initargs=(pickled, sys.path),
        ) as pool,
    ):
        futures = {pool.submit(_judge, *task): task for task in tasks}
        try:
            for future in as_completed(futures):
                yield (*futures[future], future.result())
        except BrokenProcessPool as error:
            raise InvalidOption(
                "a worker was killed, perhaps for lack of memory; what was judged is kept: run "
                "again with fewer --workers"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started here use one thread; several on each core would slow each other down."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


_work: Work | None = None  # in a worker process: what it was started for


def _receive(pickled: bytes, path: list[str]) -> None:
    global _work
    sys.path[:] = path
    _work = pickle.loads(pickled)


def _judge(name: str, split: Split) -> Judged:
    assert _work is not None
    return judge(_work.surrogates[name], _work.corpus, split, _work.observed)
