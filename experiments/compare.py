"""`nas compare`: several surrogates on the same splits of a corpus."""

from __future__ import annotations

import copy
import inspect
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from experiments.fit import finished
from experiments.folder import RunFolder, write_json
from experiments.terminal import say, table, wrote
from nas.core import metrics
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption
from nas.core.files import write_text
from nas.core.interfaces import Prediction, Query, Surrogate, predict
from nas.core.records import Record

METRICS = {"mse": metrics.mse, "kendall_tau": metrics.kendall_tau, "r2": metrics.r2}


def compare(
    corpus: Path,
    surrogates: list[Surrogate],
    train_size: int | Literal["fixed"],
    test_size: int | None = None,
    repeats: int = 5,
    observed: float = 0.25,
    seed: int = 0,
    out: Path = Path("runs/compare"),
) -> None:
    """Compare surrogates on the same splits.

    Args:
        corpus: corpus file.
        surrogates: class paths, or class_path/init_args, of the surrogates.
        train_size: networks that each surrogate is fitted to; fixed takes the corpus' own split.
        test_size: networks that it is judged on; all others where none is given.
        repeats: splits; split r is drawn with seed + r.
        observed: share of the learning curve handed to surrogates that read curves.
        seed: of the first split.
        out: folder for compare.json, compare.md and predictions.json.
    """
    if repeats < 1:
        raise InvalidOption(f"--repeats must be at least 1, but got {repeats}")
    if not 0 <= observed <= 1:
        raise InvalidOption(f"--observed must be a share from 0 to 1, but got {observed}")
    networks = finished(Corpus.read(corpus), least=3)
    splits = [_split(networks, train_size, test_size, seed + r) for r in range(repeats)]
    folder = RunFolder(out).make()
    rows, seen = [], {}
    for name, surrogate in named(surrogates):
        say(f"{name}: {repeats} x fit to {len(splits[0][0])}, predict {len(splits[0][1])}")
        trials = [judge(seeded(surrogate, r), *split, observed) for r, split in enumerate(splits)]
        rows.append(row(name, trials))
        seen[name] = points(splits[0][1], trials[0].prediction)
    write_json(folder.comparison, {"corpus": str(corpus), "rows": rows})
    write_json(folder.predictions, seen)
    text = comparison_table(rows)
    write_text(folder.comparison.with_suffix(".md"), text + "\n")
    say()
    say(text)
    say()
    wrote([folder.comparison, folder.comparison.with_suffix(".md")], [f"nas report {out}"])


def seeded(surrogate: Surrogate, repeat: int) -> Surrogate:
    """A copy for one repeat, with a seed of its own where the surrogate has one."""
    copied = copy.deepcopy(surrogate)
    if isinstance(getattr(copied, "seed", None), int):
        vars(copied)["seed"] += repeat
    return copied


@dataclass(frozen=True)
class Judged:
    """One surrogate on one split."""

    prediction: Prediction
    scores: dict[str, float]
    observed_epochs: int
    sizes: tuple[int, int]
    fit_seconds: float
    predict_seconds: float


def judge(surrogate: Surrogate, train: Corpus, test: Corpus, observed: float) -> Judged:
    """Fits to `train` and scores on `test`; only curve readers see a prefix, of that share."""
    start = time.perf_counter()
    surrogate.fit(train)
    fitted = time.perf_counter()
    epochs = round(observed * test.epochs) if surrogate.reads_curves else 0
    queries = [
        Query(r.architecture, None, tuple(r.curve[:epochs]), r.hyperparameters) for r in test
    ]
    prediction = predict(surrogate, queries)
    predicted = time.perf_counter()
    scores = {name: metric(test.targets, prediction.mean) for name, metric in METRICS.items()}
    return Judged(
        prediction,
        scores,
        epochs,
        (len(train), len(test)),
        fitted - start,
        predicted - fitted,
    )


def _split(
    networks: Corpus, train_size: int | Literal["fixed"], test_size: int | None, seed: int
) -> tuple[Corpus, Corpus]:
    if train_size == "fixed":
        return networks.fixed_split()
    return networks.split(train_size, seed, test_size)


def row(name: str, trials: Sequence[Judged]) -> dict[str, Any]:
    """One row of compare.json: means over the splits, and standard deviations."""
    first = trials[0]
    values = {m: np.array([trial.scores[m] for trial in trials]) for m in METRICS}
    return {
        "surrogate": name,
        "observed_epochs": first.observed_epochs,
        "train_size": first.sizes[0],
        "test_size": first.sizes[1],
        "repeats": len(trials),
        **{m: float(v.mean()) for m, v in values.items()},
        **{f"{m}_std": float(v.std(ddof=1)) if len(v) > 1 else 0.0 for m, v in values.items()},
        "fit_seconds": float(np.mean([trial.fit_seconds for trial in trials])),
        "predict_seconds": float(np.mean([trial.predict_seconds for trial in trials])),
    }


def points(test: Corpus, prediction: Prediction) -> list[dict[str, Any]]:
    """Predicted and real accuracy of each network, for plots."""
    return [point(r, float(prediction.mean[i]), _std(prediction, i)) for i, r in enumerate(test)]


def point(record: Record, predicted: float, std: float | None) -> dict[str, Any]:
    """One network in predictions.json."""
    return {
        "key": record.architecture.key,
        "index": record.index,
        "real": record.target,
        "predicted": predicted,
        "std": std,
    }


def _std(prediction: Prediction, index: int) -> float | None:
    return None if prediction.std is None else float(prediction.std[index])


def comparison_table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows for people, best Kendall tau first."""
    header = ["surrogate", "epochs seen", "train", "test", "MSE", "tau", "R2", "fit s", "predict s"]
    cells = [
        [
            each["surrogate"],
            str(each["observed_epochs"]),
            str(each["train_size"]),
            str(each["test_size"]),
            f"{each['mse']:.5f} ± {each['mse_std']:.5f}",
            f"{each['kendall_tau']:.3f} ± {each['kendall_tau_std']:.3f}",
            f"{each['r2']:.3f} ± {each['r2_std']:.3f}",
            f"{each['fit_seconds']:.2f}",
            f"{each['predict_seconds']:.3f}",
        ]
        for each in sorted(rows, key=lambda each: -each["kendall_tau"])
    ]
    return table(header, cells)


def named(surrogates: Sequence[Surrogate]) -> list[tuple[str, Surrogate]]:
    """Each surrogate with a name of its own: its class, and the arguments that are not default.

    Raises:
        InvalidOption: two are the same.
    """
    names = [describe(surrogate) for surrogate in surrogates]
    for name in names:
        if names.count(name) > 1:
            raise InvalidOption(f"surrogates must differ, but {name} is there twice; drop one")
    return list(zip(names, surrogates, strict=True))


def describe(surrogate: Surrogate) -> str:
    """Class name, with the arguments that differ from the defaults."""
    changed = [
        f"{name}={_short(getattr(surrogate, name, None))}"
        for name, parameter in inspect.signature(type(surrogate)).parameters.items()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        and getattr(surrogate, name, None) != parameter.default
    ]
    name = type(surrogate).__name__
    return f"{name}({', '.join(changed)})" if changed else name


def _short(value: object) -> str:
    return describe(value) if isinstance(value, Surrogate) else str(value)
