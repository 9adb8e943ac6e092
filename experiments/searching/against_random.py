"""Search against random search with real trainings, and what is left on test images.

    python -m experiments.searching.against_random --data npz:fashion14.npz --out runs/against

For each seed: `networks` random networks by `nas collect`, and half of them followed by as many
proposals of `nas search`, both with --max_macs at the 75th percentile of the space. The three best
of each by validation accuracy are trained again with three other seeds; the mean of their test
accuracies counts. The same command goes on where it was stopped.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from experiments.cli import command
from experiments.cli import main as nas
from experiments.collect import task_of
from experiments.demo import macs_percentile
from experiments.folder import RunFolder, write_json
from experiments.parallel import Kept, results_of
from experiments.terminal import say, table, worker_count, wrote
from nas.core.architecture import Architecture
from nas.core.corpus import Corpus
from nas.core.interfaces import Evaluator
from nas.core.limits import Limits
from nas.studies import CollectTask
from nas.training.recipe import Recipe
from search_spaces import BlockSpace

TOP = 3
RETRAININGS = (1001, 1002, 1003)  # seeds that no search used


def against_random(
    data: str,
    final_data: str | None = None,
    networks: int = 60,
    seeds: int = 3,
    epochs: int = 2,
    lr: float = 0.05,
    workers: int | None = None,
    out: Path = Path("runs/against"),
) -> None:
    """Runs both searches for each seed, trains their best again and tells the difference.

    Args:
        data: as in `nas collect`.
        final_data: the same with more test images, for the networks that are trained again.
        networks: of each search, an even number.
        seeds: of both searches, from 0.
        epochs: of every training, with the one-cycle schedule.
        lr: highest learning rate.
        workers: processes; one a core where None is given.
        out: folder for everything.
    """
    if seeds < 2 or networks < 2 * TOP or networks % 2:
        raise SystemExit(f"seeds must be at least 2, networks even and at least {2 * TOP}")
    recipe = Recipe(epochs=epochs, lr=lr, schedule="one_cycle")
    task = task_of(BlockSpace(), data, recipe, 0, Limits())
    bound = macs_percentile(task.space, 75, 0)
    processes = worker_count(workers or "auto")
    common = [f"--data={data}", f"--max_macs={bound}", f"--workers={processes}"]
    common += [f"--recipe.epochs={epochs}", f"--recipe.lr={lr}", "--recipe.schedule=one_cycle"]
    picked: dict[str, list[Corpus]] = {"search": [], "random": []}
    for seed in range(seeds):
        folders = {name: RunFolder(out / f"{name}{seed}") for name in picked}
        seeded = [*common, f"--networks={networks}", f"--seed={seed}"]
        half = [f"--warmup={networks // 2}", f"--out={folders['search'].path}"]
        _run("search", *seeded, *half)
        shared = folders["random"].make().path / "shared.jsonl.gz"
        found = Corpus.read(folders["search"].corpus)
        found.filter(lambda record: record.index is not None).write(shared)
        _run("collect", *seeded, f"--corpus={shared}", f"--out={folders['random'].path}")
        for name, folder in folders.items():
            picked[name].append(best(Corpus.read(folder.corpus)))
    final = task_of(BlockSpace(), final_data or data, recipe, 0, Limits())
    tests = retrained(final, picked, Kept(out / "cache"), processes)
    report(picked, tests, RunFolder(out))


def best(corpus: Corpus) -> Corpus:
    """The networks with the highest validation accuracy."""
    order = np.argsort(-corpus.finished.targets, kind="stable")
    return corpus.finished.take(order[:TOP])


def retrained(
    final: CollectTask, picked: dict[str, list[Corpus]], kept: Kept, workers: int
) -> dict[str, list[float]]:
    """Test accuracies of the picked networks by key, one for each new seed."""
    networks = {r.architecture.key: r.architecture for p in picked.values() for c in p for r in c}
    tasks = [(key, seed) for key in networks for seed in RETRAININGS]
    depends = [final.header.to_json(), final.settings()["epochs"]]
    found = {task: kept.read([*depends, *task]) for task in tasks}
    missing = [task for task in tasks if found[task] is None]
    for task, accuracy in results_of(_retrain, (final.evaluator, networks), missing, workers):
        kept.write([*depends, *task], accuracy)
        found[task] = accuracy
        say(f"trained again: {task[0]}, seed {task[1]}, test accuracy {accuracy:.4f}")
    return {key: [found[key, seed] for seed in RETRAININGS] for key in networks}


def _retrain(state: tuple[Evaluator, dict[str, Architecture]], task: tuple[str, int]) -> float:
    evaluator, networks = state
    key, seed = task
    accuracy = evaluator.evaluate(networks[key], seed=seed).test_accuracy
    assert accuracy is not None
    return accuracy


def report(
    picked: dict[str, list[Corpus]], tests: dict[str, list[float]], folder: RunFolder
) -> None:
    """A row a seed, and the mean difference with its 95% interval."""
    means = {
        name: np.array([np.mean([tests[r.architecture.key] for r in corpus]) for corpus in corpora])
        for name, corpora in picked.items()
    }
    difference = means["search"] - means["random"]
    low, high = interval(difference)
    rows = [
        [str(seed), *(f"{means[name][seed]:.4f}" for name in picked), f"{difference[seed]:+.4f}"]
        for seed in range(len(difference))
    ]
    say(table(["seed", *picked, "difference"], rows))
    say(f"mean difference {difference.mean():+.4f}, 95% interval [{low:+.4f}, {high:+.4f}]")
    result = {name: each.tolist() for name, each in means.items()} | {
        "difference": difference.mean(),
        "low": low,
        "high": high,
        "tests": tests,
    }
    write_json(folder.path / "against_random.json", result)
    wrote([folder.path / "against_random.json"])


def interval(differences: np.ndarray) -> tuple[float, float]:
    """Student's 95% interval of a mean of paired differences (n,), n >= 2."""
    from scipy.stats import t

    n = len(differences)
    half = float(t.ppf(0.975, n - 1) * differences.std(ddof=1) / np.sqrt(n))
    return float(differences.mean() - half), float(differences.mean() + half)


def _run(*words: str) -> None:
    say(f"nas {' '.join(words)}")
    status = nas(words)
    if status:
        raise SystemExit(status)


if __name__ == "__main__":
    sys.exit(command(against_random))
