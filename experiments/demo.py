"""`nas demo`: the whole loop on small real images, in minutes on a laptop's processor."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from experiments.collect import summary, task_of, train
from experiments.comparison import describe
from experiments.fit import finished, fit_into
from experiments.folder import RunFolder, write_json
from experiments.propose import as_json
from experiments.report import write_report
from experiments.terminal import clock, say, table, training_workers, wrote
from nas.core import metrics
from nas.core.choices import Draw, check_seed
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption
from nas.core.interfaces import Candidate, SearchSpace, Surrogate
from nas.core.limits import Limits
from nas.core.records import Record
from nas.training.recipe import Recipe

TOP = 3
POOL = 2000
FOLDS = 4
SAMPLES_FOR_CAP = 1000
RECIPE = Recipe(epochs=5, step_every=4)  # minutes for 40 networks on two cores


def demo(
    networks: int = 40,
    data: str = "digits",
    recipe: Recipe = RECIPE,
    workers: int | Literal["auto"] = "auto",
    seed: int = 0,
    out: Path = Path("runs/demo"),
) -> None:
    """Sample networks, train them, fit Peephole, propose better ones, train those, report.

    Networks are capped at the 75th percentile of the space's MACs, so that the demo keeps its
    time. The same command goes on where it was stopped.

    Args:
        networks: sampled networks to train; at least 8.
        data: digits, a torchvision name, npz:PATH or folder:PATH.
        recipe: how each network is trained.
        workers: processes that train at the same time; auto is one a core.
        seed: of everything.
        out: folder for everything the demo writes.
    """
    from search_spaces import BlockSpace
    from surrogates import Peephole
    from surrogates.cross_fitting import held_out

    if networks < 2 * FOLDS:
        raise InvalidOption(f"--networks must be at least {2 * FOLDS}, but got {networks}")
    check_seed(seed)
    start = time.perf_counter()
    folder = RunFolder(out)
    processes = training_workers(workers, "auto")
    say(f"1/4  sampling and training {networks} networks, {processes} at a time")
    task = task_of(BlockSpace(), data, recipe, seed, Limits())
    limits = Limits(max_macs=macs_percentile(task.space, 75, seed))
    task = replace(task, limits=limits)
    sampled = finished(
        train(task, folder, networks, workers=processes).filter(lambda r: r.index is not None),
        least=2 * FOLDS,
    )
    say(f"     {summary(sampled)}")

    say(f"2/4  fitting Peephole, scored on networks it has not seen ({FOLDS} folds)")
    (left_out,) = held_out(Peephole(), sampled, [0], FOLDS, seed)
    tau = metrics.kendall_tau(sampled.targets, left_out.mean)
    error = metrics.mae(sampled.targets, left_out.mean)
    say(f"     Kendall tau {tau:.2f}, mean absolute error {error:.4f}")
    write_json(
        folder.predictions,
        {
            describe(Peephole()): [
                {"key": record.architecture.key, "real": record.target, "predicted": float(value)}
                for record, value in zip(sampled, left_out.mean, strict=True)
            ]
        },
    )
    surrogate = Peephole()
    fit_into(folder, surrogate, sampled)

    say(f"3/4  scoring {POOL:,} new networks, training the {TOP} most promising")
    chosen = proposals(surrogate, task.space, limits, sampled, seed)
    write_json(folder.proposals, [as_json(candidate) for candidate in chosen])
    everything = train(task, folder, networks, workers=min(TOP, processes), proposals=chosen)
    say(outcome(sampled, everything, chosen))

    say("4/4  report")
    facts = [
        ("Peephole's tau, unseen", f"{tau:.2f}"),
        ("best at random", _percent(best(sampled))),
        ("best proposed", _percent(best(proposed(everything, chosen)))),
    ]
    write_json(folder.summary, facts)
    path = write_report(folder)
    say(f"     {clock(time.perf_counter() - start)} in all")
    wrote(
        [f"{path} (open it in a browser)", folder.corpus, folder.surrogate],
        [
            f"nas propose --surrogate {out} --top 10 --out {out}/propose",
            f"nas compare --corpus {folder.corpus} --train_size {len(sampled) * 2 // 3} "
            f"--surrogates '[surrogates.Peephole, surrogates.Constant]' --out {out}/compare",
            "nas collect --help     your own data, space, recipe and limits",
        ],
    )


def macs_percentile(space: SearchSpace, percent: float, seed: int) -> int:
    """A percentile of the MACs of the space's own networks, from a sample."""
    rng = np.random.default_rng(seed)
    macs = [space.generate(Draw(rng)).macs for _ in range(SAMPLES_FOR_CAP)]
    return int(np.percentile(macs, percent))


def proposals(
    surrogate: Surrogate, space: SearchSpace, limits: Limits, known: Corpus, seed: int
) -> list[Candidate]:
    """The surrogate's best networks that are not trained yet."""
    from nas.search import Greedy, PoolProposer, surrogate_score

    trained = {record.architecture.key for record in known}
    score = surrogate_score(surrogate, Greedy(), limits=limits, exclude=trained)
    return PoolProposer(POOL).propose(space, score, TOP, np.random.default_rng([seed, 1]))


def outcome(sampled: Corpus, everything: Corpus, chosen: Sequence[Candidate]) -> str:
    """The proposed networks beside the best random one, as a table."""
    by_key = {record.architecture.key: record for record in everything.finished}
    champion = max(sampled, key=lambda record: record.target or 0.0)
    entries: list[tuple[str, str, float | None]] = [
        ("best at random", champion.architecture.key, None)
    ]
    entries += [
        (f"proposal {place}", candidate.architecture.key, candidate.score)
        for place, candidate in enumerate(chosen, start=1)
    ]
    rows = [_outcome_row(name, score, by_key[key]) for name, key, score in entries if key in by_key]
    return table(["", "network", "predicted", "validation", "test", "MACs"], rows)


def _outcome_row(name: str, score: float | None, record: Record) -> list[str]:
    measured = (record.target, record.test_accuracy)
    return [
        name,
        record.architecture.key,
        *("-" if value is None else f"{value:.4f}" for value in (score, *measured)),
        f"{record.macs:,}",
    ]


def proposed(everything: Corpus, chosen: Sequence[Candidate]) -> Corpus:
    """The finished records of the proposals."""
    keys = {candidate.architecture.key for candidate in chosen}
    return everything.finished.filter(
        lambda record: record.architecture.key in keys and record.index is None
    )


def best(corpus: Corpus) -> float | None:
    """The highest accuracy; None where nothing finished."""
    return max((float(target) for target in corpus.targets), default=None)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"
