"""Measures speed: one line a measurement, and all of them in benchmarks/results.json.

Machines are noisy: compare figures of one run, not of two machines. What takes less than some
seconds is repeated; each function says what it tells of the repeats.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Self

import numpy as np
import optuna
import torch

from benchmarks.collecting import collecting
from nas import Architecture, Corpus, Header, Input, Prediction, Query, Record, Surrogate
from nas.core.choices import Ask, Draw
from nas.search import EvolutionProposer, Greedy, PoolProposer, surrogate_score
from nas.search.quiet import quiet
from nas.studies import SurrogateSampler
from search_spaces import BlockSpace
from surrogates import Peephole

RESULTS = Path(__file__).with_name("results.json")
SPACE = BlockSpace().on(Input(3, 32, 32, 10))
TRAINING, QUERIES, POOL = 800, 10_000, 2_000


def sample(number: int, seed: int) -> list[Architecture]:
    """Architectures of the block space for CIFAR-10."""
    rng = np.random.default_rng(seed)
    return [SPACE.generate(Draw(rng)) for _ in range(number)]


def synthetic(architectures: list[Architecture]) -> Corpus:
    """A corpus whose targets depend on depth and cost; for timing only."""
    header = Header(SPACE.skeleton, SPACE.input, data="synthetic")
    macs = np.log([a.macs for a in architectures])
    targets = 0.5 + 0.4 * (macs - macs.min()) / np.ptp(macs)
    records = (Record(a, float(t)) for a, t in zip(architectures, targets, strict=True))
    return Corpus(header, tuple(records))


def seconds(function: Callable[[], object], repeats: int = 3) -> float:
    """Median wall time of a call."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return median(times)


def peephole() -> dict[str, float]:
    """Fit of 800 networks; predictions a second for networks at hand; candidates a second."""
    corpus = synthetic(sample(TRAINING, 0))
    queries = [Query(a) for a in sample(QUERIES, 1)]
    out: dict[str, float] = {}
    for sequence in ("network", "block"):
        surrogate = Peephole(sequence=sequence)
        fit = seconds(lambda s=surrogate: s.fit(corpus), repeats=1)
        if sequence == "network":
            out["peephole_fit_seconds_800"] = fit
        surrogate.predict(queries[:100])
        spent = seconds(lambda s=surrogate: s.predict(queries))
        out[f"peephole_predictions_per_second_{sequence}"] = QUERIES / spent
    score = surrogate_score(surrogate, Greedy())
    proposer = PoolProposer(POOL)
    spent = seconds(lambda: proposer.propose(SPACE, score, 10, np.random.default_rng(2)))
    out["propose_candidates_per_second"] = POOL / spent
    return out | {"sampler_ask_seconds": ask_seconds(surrogate)}


def ask_seconds(surrogate: Surrogate) -> float:
    """One ask of a SurrogateSampler that looks through 1,000 candidates, without a fit."""
    sampler = SurrogateSampler(
        SPACE, Fitted(surrogate), Greedy(), EvolutionProposer(1000), warmup=10, refit_every=5
    )
    with quiet():
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.optimize(lambda trial: SPACE.generate(Ask(trial)).macs % 97 / 97, n_trials=12)
    times = [seconds(lambda: SPACE.generate(Ask(study.ask())), repeats=1) for _ in range(25)]
    return median(sorted(times)[-5:])  # each fifth ask looks, the others take what it found


class Fitted(Surrogate):
    """A surrogate that is fitted already and stays so."""

    def __init__(self, surrogate: Surrogate) -> None:
        self.surrogate = surrogate

    def fit(self, corpus: Corpus) -> Self:
        """Nothing to do."""
        return self

    def predict(self, queries: Sequence[Query]) -> Prediction:
        """What the surrogate says."""
        return self.surrogate.predict(queries)


def cli_start() -> dict[str, float]:
    """`nas --help` as a process of its own."""
    nas = Path(sys.executable).with_name("nas")
    return {
        "cli_start_seconds": seconds(
            lambda: subprocess.run([nas, "--help"], check=True, capture_output=True), 7
        )
    }


def main() -> None:
    """Runs all measurements: collecting on all cores, or the GPU, the others on one core."""
    torch.set_num_threads(1)
    results: dict[str, float] = {}
    for measure in (cli_start, peephole, collecting):
        for name, value in measure().items():
            results[name] = value
            print(f"{name:<44}{value:>12,.2f}", flush=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
