"""The paper's last step at a size that a laptop can do, over several seeds.

    python -m experiments.transferring.small

searches for a block on images of half the size, puts the best one into the larger skeleton, and
trains it on images of full size beside VGG-13-BN with as many multiply-accumulates, by the same
recipe. Killed at any moment, the same command goes on. It writes small.md and small.json into its
folder. With the whole of CIFAR-10, on a GPU:

    python -m experiments.transferring.small --train 45000 --epochs 60 --max_macs 100000000
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from experiments.cli import command
from experiments.cli import main as nas
from experiments.corpora.images import write_smaller
from experiments.folder import RunFolder, read_json, write_json
from experiments.terminal import say, table, worker_count, wrote
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption
from nas.core.files import write_text
from nas.core.processes import one_thread_each
from nas.training.data import load_data

SEARCH_MACS = 4_000_000
"""Bound on the networks of the search, so that blocks are found that are worth their cost."""

SEARCH_RECIPE = [
    *("--recipe.epochs=6", "--recipe.batch_size=64", "--recipe.lr=0.05"),
    *("--recipe.schedule=one_cycle", "--recipe.augment=[crop,flip]"),
]
TRANSFER_RECIPE = [
    *("--recipe.batch_size=64", "--recipe.lr=0.05", "--recipe.weight_decay=5e-4"),
    *("--recipe.min_area=0.5", "--recipe.warmup=0.1"),
]


def small(
    data: str = "CIFAR10",
    search_train: int = 4000,
    networks: int = 60,
    train: int = 8000,
    test: int = 10_000,
    epochs: int = 10,
    max_macs: int = 20_000_000,
    seeds: int = 3,
    out: Path = Path("runs/small-transfer"),
) -> None:
    """Searches on small images, transfers to those of full size, beside VGG-13-BN.

    Args:
        data: images of full size, as `nas collect --data` names them.
        search_train: training images of the search; half as many validate and test.
        networks: of the search.
        train: training images of the transfer; a fifth of them validate.
        test: test images of the transfer.
        epochs: of the transfer.
        max_macs: of both networks of the transfer.
        seeds: of the transfer, from 0.
        out: folder for everything.
    """
    if seeds < 1:
        raise InvalidOption(f"--seeds must be at least 1, but got {seeds}")
    halved, full = images(data, search_train, train, test, out)
    best = out / "best.json"
    search(halved, networks, out / "search")
    write_json(best, best_found(out / "search"))
    options = [f"--data=npz:{full}", f"--max_macs={max_macs}", f"--epochs={epochs}"]
    transfer(best, options, [out / f"seed-{seed}" for seed in range(seeds)])
    say(summary(out, seeds))
    wrote([out / "small.md", out / "small.json"])


def images(data: str, search_train: int, train: int, test: int, out: Path) -> tuple[Path, Path]:
    """The images of the search and those of the transfer; the options are those of `small`.

    Raises:
        InvalidOption: the folder holds images that other options made.
    """
    halved, full, made_by = out / "halved.npz", out / "full.npz", out / "images.json"
    options = {"data": data, "search_train": search_train, "train": train, "test": test}
    if made_by.is_file():
        others = read_json(made_by, f"{made_by}")
        if others != options:
            raise InvalidOption(
                f"--out must be a new folder, or one of the same images, but {out} holds those of "
                f"{others}; take another --out"
            )
    if not full.is_file():
        found = load_data(data)
        few = search_train // 2
        write_smaller(found, found.input.height // 2, search_train, few, few, halved)
        write_smaller(found, found.input.height, train, train // 5, test, full)
    write_json(made_by, options)
    return halved, full


def search(data: Path, networks: int, out: Path) -> None:
    """`nas search` on the small images."""
    words = [f"--data=npz:{data}", f"--networks={networks}", f"--warmup={max(2, networks // 3)}"]
    status = nas(["search", *words, f"--max_macs={SEARCH_MACS}", *SEARCH_RECIPE, f"--out={out}"])
    if status:
        raise SystemExit(status)


def best_found(folder: Path) -> dict[str, object]:
    """The network with the highest validation accuracy of a search."""
    corpus = Corpus.read(RunFolder(folder).corpus).finished
    return max(corpus, key=lambda record: record.target or 0.0).architecture.to_json()


def transfer(best: Path, options: list[str], places: list[Path]) -> None:
    """`nas transfer` into each place, its number the seed; as many at a time as there are cores."""
    words = [sys.executable, "-m", "experiments.cli", "transfer", f"--architecture={best}"]
    words += [*options, *TRANSFER_RECIPE, "--baseline=scaled_vgg13_bn", "--onnx=false"]
    words += ["--devices=1", "--loaders=1", "--resume"]

    def one(seed: int) -> int:
        own = [f"--seed={seed}", f"--out={places[seed]}"]
        with subprocess.Popen(
            [*words, *own], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as running:
            assert running.stdout is not None
            for line in running.stdout:
                say(f"seed {seed}: {line.rstrip()}")
        return int(abs(running.returncode))

    workers = 1 if torch.cuda.is_available() else worker_count("auto")
    with one_thread_each(), ThreadPoolExecutor(workers) as pool:
        status = max(pool.map(one, range(len(places))))
    if status:
        raise SystemExit(status)


def summary(folder: Path, seeds: int) -> str:
    """Writes and returns what came out: both networks over the seeds, and their difference."""
    runs = [
        read_json(RunFolder(folder / f"seed-{seed}").transfer, "a transfer")
        for seed in range(seeds)
    ]
    names = [row["name"] for row in runs[0]["rows"]]
    accuracies = {
        name: [row["top1"] for run in runs for row in run["rows"] if row["name"] == name]
        for name in names
    }
    lines = [
        [
            row["name"],
            f"{row['params']:,}",
            f"{row['macs']:,}",
            *(f"{top1:.2%}" for top1 in accuracies[row["name"]]),
            _spread(accuracies[row["name"]]),
        ]
        for row in runs[0]["rows"]
    ]
    header = ["", "params", "MACs", *(f"seed {seed}" for seed in range(seeds)), "mean ± sd"]
    ours, theirs = accuracies.values()
    gaps = [100 * (a - b) for a, b in zip(ours, theirs, strict=True)]
    won = sum(gap > 0 for gap in gaps)
    verdict = (
        f"The searched network's top-1 is {abs(statistics.mean(gaps)):.2f} points "
        f"{'higher' if statistics.mean(gaps) > 0 else 'lower'} on average, and the higher one "
        f"with {won} of {len(gaps)} seeds."
    )
    text = f"{table(header, lines)}\n\n{verdict}\n"
    write_text(folder / "small.md", text)
    write_json(folder / "small.json", {"seeds": seeds, "top1": accuracies, "gaps": gaps})
    return text


def _spread(values: list[float]) -> str:
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.2%} ± {spread:.2%}"


if __name__ == "__main__":
    sys.exit(command(small))
