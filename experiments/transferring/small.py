"""The paper's last step at a size that a laptop can do, over several seeds.

    python -m experiments.transferring.small

searches for a block on images of half the size, puts the best one into the larger skeleton, and
trains it on images of full size beside VGG-13-BN with as many multiply-accumulates, by the same
recipe. Killed at any moment, the same command goes on. It writes small.md and small.json into its
folder. With the whole of CIFAR-10, on a GPU:

    python -m experiments.transferring.small --train 45000 --epochs 60 --max_macs 100000000
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from experiments.cli import fail
from experiments.cli import main as nas
from experiments.folder import RunFolder, read_json, write_json
from experiments.terminal import say, table, worker_count, wrote
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption, NasError
from nas.core.files import write_text
from nas.core.processes import one_thread_each
from nas.training.data import DataSet, Images, load_data
from nas.training.data.dataset import stratified

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


def main(argv: Sequence[str] | None = None) -> int:
    """Runs it all; the exit status is that of the first command that fails."""
    try:
        return run(parser().parse_args(argv))
    except NasError as error:
        return fail(str(error), error.exit_status)


def run(options: argparse.Namespace) -> int:
    """Search, choice, transfer with each seed, summary; what is done already is not done again."""
    folder = Path(options.out)
    small, large = folder / "small.npz", folder / "large.npz"
    if not large.is_file():
        data = load_data(options.data)
        few = options.search_train // 2
        write_npz(halved(data), {"train": options.search_train, "val": few, "test": few}, small)
        write_npz(data, {"train": options.train, "val": options.train // 5}, large)
    status = search(small, options.networks, folder / "search")
    if status == 0:
        best = folder / "best.json"
        write_json(best, best_found(folder / "search"))
        status = transfer(best, large, options, folder)
    if status == 0:
        say(summary(folder, options.seeds))
        wrote([folder / "small.md", folder / "small.json"])
    return status


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    made = argparse.ArgumentParser(prog="python -m experiments.transferring.small")
    add = made.add_argument
    add("--data", default="CIFAR10", help="images of full size, as nas --data names them")
    add("--search_train", type=int, default=4000, help="training images of the search")
    add("--networks", type=int, default=60, help="networks of the search")
    add("--train", type=int, default=10_000, help="training images of the transfer")
    add("--epochs", type=int, default=15, help="epochs of the transfer")
    add("--max_macs", type=int, default=20_000_000, help="of both networks")
    add("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the transfer")
    add("--out", default="runs/small-transfer", help="folder for everything")
    return made


def halved(data: DataSet) -> DataSet:
    """The same images with half as many pixels a side, each the mean of four."""

    def half(part: Images) -> Images:
        means = F.avg_pool2d(part.images.float(), 2)
        return Images(means.round().to(torch.uint8), part.labels)

    test = data.test and half(data.test)
    height, width = data.input.height // 2, data.input.width // 2
    size = data.input._replace(height=height, width=width)
    return replace(data, input=size, train=half(data.train), val=half(data.val), test=test)


def write_npz(data: DataSet, numbers: Mapping[str, int], path: Path) -> None:
    """Writes at most so many images of each part, as many of each class, as npz."""
    arrays: dict[str, np.ndarray] = {}
    for name in ("train", "val", "test"):
        part = getattr(data, name)
        if part is None:
            raise InvalidOption(f"--data must have {name} images, but {data.name} has none")
        number = numbers.get(name, len(part.labels))
        if number < len(part.labels):
            _, taken = stratified(part.labels.numpy(), number / len(part.labels), seed=0)
            part = Images(*(each[taken] for each in part))
        arrays[f"{name}_images"], arrays[f"{name}_labels"] = _arrays(part)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp.npz")
    np.savez(temporary, **arrays)  # type: ignore[arg-type]
    temporary.replace(path)


def _arrays(part: Images) -> tuple[np.ndarray, np.ndarray]:
    images = part.images.permute(0, 2, 3, 1).numpy()
    return images[..., 0] if images.shape[3] == 1 else images, part.labels.numpy()


def search(data: Path, networks: int, out: Path) -> int:
    """`nas search` on the small images."""
    warmup = max(2, networks // 3)
    words = ["search", "--data", f"npz:{data}", "--networks", f"{networks}"]
    limits = ["--warmup", f"{warmup}", "--max_macs", f"{SEARCH_MACS}"]
    return nas([*words, *limits, *SEARCH_RECIPE, "--out", str(out)])


def best_found(folder: Path) -> dict[str, object]:
    """The network with the highest validation accuracy of a search."""
    corpus = Corpus.read(RunFolder(folder).corpus).finished
    return max(corpus, key=lambda record: record.target or 0.0).architecture.to_json()


def transfer(best: Path, data: Path, options: argparse.Namespace, folder: Path) -> int:
    """`nas transfer` for each seed, as many at a time as there are cores, or one on a GPU."""
    words = [sys.executable, "-m", "experiments.cli", "transfer", "--architecture", str(best)]
    words += ["--data", f"npz:{data}", "--max_macs", f"{options.max_macs}", *TRANSFER_RECIPE]
    words += ["--epochs", f"{options.epochs}", "--baseline", "scaled_vgg13_bn", "--onnx", "false"]
    words += ["--devices", "1", "--loaders", "1", "--resume"]

    def one(seed: int) -> int:
        own = ["--seed", f"{seed}", "--out", str(_place(folder, seed))]
        with subprocess.Popen(
            [*words, *own], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as command:
            assert command.stdout is not None
            for line in command.stdout:
                say(f"seed {seed}: {line.rstrip()}")
        return int(abs(command.returncode))

    workers = 1 if torch.cuda.is_available() else worker_count("auto")
    with one_thread_each(), ThreadPoolExecutor(workers) as pool:
        return max(pool.map(one, options.seeds))


def summary(folder: Path, seeds: Sequence[int]) -> str:
    """Writes and returns what came out: both networks over the seeds, and their difference."""
    runs = [read_json(RunFolder(_place(folder, seed)).transfer, "a transfer") for seed in seeds]
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
    header = ["", "params", "MACs", *(f"seed {seed}" for seed in seeds), "mean ± sd"]
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
    write_json(folder / "small.json", {"seeds": list(seeds), "top1": accuracies, "gaps": gaps})
    return text


def _spread(values: Sequence[float]) -> str:
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.2%} ± {spread:.2%}"


def _place(folder: Path, seed: int) -> Path:
    return folder / f"seed-{seed}"


if __name__ == "__main__":
    sys.exit(main())
