"""The verb: its options, its table, and what it writes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from experiments.comparison.comparison import Comparison
from experiments.comparison.judging import (
    Judged,
    Size,
    Split,
    Target,
    observed_epochs,
    splits_of,
)
from experiments.comparison.naming import named
from experiments.comparison.running import Results, Work, run
from experiments.comparison.statistics import row
from experiments.corpora import corpus_file
from experiments.fit import finished
from experiments.folder import RunFolder, write_json
from experiments.terminal import say, warn, worker_count, wrote
from nas.core.choices import check_seed
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption
from nas.core.files import write_text
from nas.core.interfaces import Surrogate
from nas.core.metrics import noise_ceiling


def compare(
    corpus: Path,
    surrogates: list[Surrogate],
    train_size: Size | list[int],
    test_size: int | None = None,
    repeats: int = 5,
    observed: float = 0.25,
    target: Target = "final",
    seed: int = 0,
    workers: int | Literal["auto"] = "auto",
    out: Path = Path("runs/compare"),
) -> None:
    """Compare surrogates on the same splits.

    What was judged once in --out is not judged again: add a surrogate, and only that one runs.

    Args:
        corpus: corpus file, or the name of one that the project holds.
        surrogates: class paths, or class_path/init_args, of the surrogates.
        train_size: networks that each surrogate is fitted to; a list gives sample-efficiency
            curves; fixed takes the corpus' own split, folds judges every network once, in as
            many parts as there are repeats.
        test_size: networks that it is judged on; all others where none is given.
        repeats: splits; split r is drawn with seed + r. On a fixed split, seeds of the surrogates.
        observed: share of the learning curve handed to surrogates that read curves.
        target: final accuracies, or curve for those of every epoch that was not observed.
        seed: of the first split.
        workers: processes; auto is one a core.
        out: folder for compare.json, compare.md and predictions.json.
    """
    if repeats < 1:
        raise InvalidOption(f"--repeats must be at least 1, but got {repeats}")
    check_seed(seed)
    if not 0 <= observed <= 1:
        raise InvalidOption(f"--observed must be a share from 0 to 1, but got {observed}")
    known = finished(Corpus.read(corpus_file(corpus)), least=3)
    networks = known.distinct  # further trainings of a network tell of the noise alone
    if target == "curve" and round(observed * networks.epochs) >= networks.epochs:
        raise InvalidOption(
            "--target curve needs learning curves that go on after what is --observed, but this "
            f"corpus has {networks.epochs} epochs, of which a share of {observed} is observed"
        )
    for surrogate in surrogates:
        if surrogate.reads_curves and not observed_epochs(surrogate, networks, observed):
            warn(f"{type(surrogate).__name__} reads curves, but is shown none of them here")
    sizes = train_size if isinstance(train_size, list) else [train_size]
    splits = {size: splits_of(size, test_size, seed, repeats) for size in sizes}
    if not splits:
        raise InvalidOption("--train_size must give at least one size, but the list is empty")
    for split in chain(*splits.values()):
        split.of(networks)  # raises before anything is fitted
    work = Work(networks, named(surrogates), list(chain(*splits.values())), observed, target)
    folder = RunFolder(out).make()
    lines = _Lines(len(work.surrogates) * len(work.splits))
    results = run(work, folder.cache, worker_count(workers), lines)
    rows = [
        row(name, [results[name][split] for split in of_size], fixed=size == "fixed")
        for name in work.surrogates
        for size, of_size in splits.items()
    ]
    header = networks.header
    found = Comparison(tuple(rows), noise_ceiling(known), str(corpus), header.data, header.source)
    found.write(folder)
    predictions = first_predictions(results, splits[sizes[-1]][0])
    write_json(folder.predictions, predictions)
    asked = {point["key"] for points in predictions.values() for point in points}
    networks.filter(lambda record: record.architecture.key in asked).write(folder.judged)
    write_text(folder.comparison.with_suffix(".md"), f"{found.text(brief=False)}\n")
    say(f"\n{found}\n")
    wrote([folder.comparison, folder.comparison.with_suffix(".md")], [f"nas report {out}"])


class _Lines:
    """A line for each judgement that was made."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0

    def __call__(self, name: str, split: Split, known: bool) -> None:
        self._done += 1
        if not known:
            size = split.train_size
            where = f"{size} networks" if isinstance(size, int) else f"{size} split"
            say(f"[{self._done}/{self._total}] {name}: {where}, repeat {split.repeat + 1}")


def first_predictions(results: Results, split: Split) -> dict[str, list[dict[str, Any]]]:
    """Predicted and real accuracies on one split, for plots."""
    return {name: points(judged[split]) for name, judged in results.items()}


def points(judged: Judged) -> list[dict[str, Any]]:
    """The networks of one judgement in predictions.json."""
    stds: Sequence[float | None] = judged.std or [None] * len(judged.real)
    return [
        {"key": key, "real": real, "predicted": predicted, "std": std}
        for key, real, predicted, std in zip(
            judged.keys, judged.real, judged.predicted, stds, strict=True
        )
    ]
