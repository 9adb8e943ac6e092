"""`nas fit`: fit one surrogate to a corpus and keep it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from experiments.corpora import corpus_file
from experiments.corpus import counted
from experiments.folder import RunFolder, write_task
from experiments.terminal import say, trusting, wrote
from nas.core.corpus import Corpus
from nas.core.errors import InvalidCorpus, InvalidSurrogate
from nas.core.interfaces import Prediction, Query, Surrogate, predict
from nas.persistence import OWN_PACKAGES

ENOUGH_TO_FIT = 2
"""Finished networks that a fit needs."""


def fit(corpus: Path, surrogate: Surrogate, out: Path = Path("runs/fit")) -> None:
    """Fit one surrogate to all finished networks of a corpus.

    Args:
        corpus: corpus file, or the name of one that the project holds.
        surrogate: class path of the surrogate, with its settings.
        out: folder for the fitted surrogate.
    """
    networks = finished(Corpus.read(corpus_file(corpus)), least=ENOUGH_TO_FIT)
    folder = RunFolder(out)
    folder.exist()  # rather refused now than when the fit is done
    name = type(surrogate).__name__
    say(f"fitting {name} to {counted(networks)} …")
    seconds = fit_into(folder, surrogate, networks)
    say(f"fitted in {seconds:.1f}s")
    package = type(surrogate).__module__.partition(".")[0]
    trust = trusting([] if package in OWN_PACKAGES else [package])
    wrote(
        [folder.surrogate],
        [
            f"nas propose --surrogate {out}{trust} --out {out}",
            f"nas predict --surrogate {out}{trust} --architecture FILE.json",
        ],
    )


def fit_into(folder: RunFolder, surrogate: Surrogate, networks: Corpus) -> float:
    """Fits, asks once, saves surrogate, task and networks, and returns the seconds the fit took.

    Raises:
        InvalidSurrogate: it answers with something that is no prediction, or otherwise once it was
            saved and loaded; the folder stays as it was then.
    """
    start = time.perf_counter()
    surrogate.fit(networks)
    query = Query(networks[0].architecture, hyperparameters=networks[0].hyperparameters)
    said = predict(surrogate, [query])
    seconds = time.perf_counter() - start  # some do their work when they are first asked
    check_lasting(surrogate, query, said)
    folder.make()
    folder.task.unlink(missing_ok=True)  # killed from here on, the folder holds no pair at all
    surrogate.save(folder.surrogate)
    networks.write(folder.fitted)
    write_task(folder, networks)
    return seconds


def check_lasting(surrogate: Surrogate, query: Query, said: Prediction) -> None:
    """Raises InvalidSurrogate where a surrogate, saved and loaded, does not say the same."""
    name = type(surrogate).__name__
    known = {module.partition(".")[0] for module in sys.modules}  # it was made in this process
    with TemporaryDirectory() as folder:
        surrogate.save(folder)
        loaded = Surrogate.load(folder, trust=sorted(known))
    advice = "keep what fit learns in attributes whose names end in _"
    try:
        after = predict(loaded, [query]).mean
    except Exception as error:  # of a class of one's own
        raise InvalidSurrogate(
            f"{name} must answer when it was saved and loaded, but got {type(error).__name__}: "
            f"{error}; {advice}"
        ) from error
    if np.allclose(said.mean, after, rtol=1e-4):
        return
    if np.array_equal(said.mean, predict(surrogate, [query]).mean):  # else it draws its answers
        raise InvalidSurrogate(
            f"{name} must say the same when it was saved and loaded, but says {after[0]:.6g} "
            f"instead of {said.mean[0]:.6g}; {advice}"
        )


def next_fit(corpus: Corpus, file: Path, out: Path) -> list[str]:
    """The command that fits a surrogate to what was collected, where that is enough."""
    enough = len(corpus.finished.distinct) >= ENOUGH_TO_FIT
    return [f"nas fit --corpus {file} --out {out}"] if enough else []


def finished(corpus: Corpus, least: int) -> Corpus:
    """The trainings of the finished networks, if there are enough of these.

    Raises:
        InvalidCorpus: there are fewer than `least`.
    """
    records = corpus.finished
    found = len(records.distinct)
    if found < least:
        raise InvalidCorpus(
            f"the corpus must hold at least {least} finished networks, but has {found} of "
            f"{len(corpus.distinct)}; collect more with 'nas collect --networks N'"
        )
    return records
