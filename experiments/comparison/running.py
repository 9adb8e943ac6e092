"""Runs the judgements of a comparison: in parallel, each once, kept in the run folder."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path

from experiments.comparison.judging import Judged, Split, judge
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption, WorkersDied
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
        self._code = {name: sorted(_sources(each)) for name, each in work.surrogates.items()}

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
        surrogate = self._work.surrogates[name]
        parts = [
            self._corpus,
            f"{type(surrogate).__module__}.{name}",
            self._code[name],
            vars(split),
            self._work.observed if surrogate.reads_curves else 0,
        ]
        return self._folder / f"{_digest(parts)}.json"


def _sources(surrogate: Surrogate) -> set[str]:
    """Digests of the code behind a surrogate and those that it wraps.

    All files of the top-level package count, so that no judgement outlives a change of its code;
    of a single module, that file.
    """
    found = {_source(type(surrogate).__module__)}
    for value in vars(surrogate).values():
        for each in value if isinstance(value, list | tuple) else [value]:
            if isinstance(each, Surrogate):
                found |= _sources(each)
    return found


def _source(module: str) -> str:
    file = getattr(sys.modules[module.partition(".")[0]], "__file__", None)
    if file is None:
        return module
    path = Path(file)
    files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
    return hashlib.sha256(b"".join(each.read_bytes() for each in files)).hexdigest()


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
            raise WorkersDied(
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
    threading.Thread(target=_end_with_command, daemon=True).start()
    sys.path[:] = path
    _work = pickle.loads(pickled)


def _end_with_command() -> None:
    """A killed command leaves no workers behind."""
    command = multiprocessing.parent_process()
    if command is not None:
        wait([command.sentinel])
        os._exit(1)


def _judge(name: str, split: Split) -> Judged:
    assert _work is not None
    return judge(_work.surrogates[name], _work.corpus, split, _work.observed)
