"""The verb over a table: all methods with all seeds, search.json and search.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from experiments.folder import RunFolder, write_json
from experiments.parallel import Kept
from experiments.searching.replaying import (
    SURROGATE,
    Baseline,
    Replays,
    Task,
    Trace,
    name_of,
    run,
)
from experiments.searching.summary import row, search_table
from experiments.terminal import say, wrote
from nas.core.errors import InvalidOption
from nas.core.files import write_text


def search_in_table(
    replays: Replays, repeats: int, baselines: Sequence[Baseline], folder: RunFolder, workers: int
) -> None:
    """Replays all methods with all seeds, and writes search.json and search.md.

    Raises:
        InvalidOption: more networks are asked for than the table has.
    """
    best = best_within(replays)
    if replays.pruner is None:  # else it is of interest what the rest of the search saves
        replays = replace(replays, goal=best)
    folder.make()
    seeds = range(replays.sampler.seed, replays.sampler.seed + repeats)
    ours = [SURROGATE] if replays.sampler.warmup < replays.networks else []
    methods = [*ours, *dict.fromkeys(baselines)]
    if not methods:
        raise InvalidOption(
            f"--warmup must be below --networks ({replays.networks}), or --baselines name a "
            "search, but neither is so: nothing would be searched"
        )
    tasks = [(method, seed) for seed in seeds for method in methods]
    found: dict[Task, Trace] = {}
    for task, trace in run(replays, tasks, Kept(folder.cache), workers):
        found[task] = trace
        say(f"[{len(found)}/{len(tasks)}] {task[0]}, seed {task[1]}: {max_of(trace):.4f}")
    rows = [
        row(
            name_of(method, replays.sampler),
            [found[method, seed] for seed in seeds],
            best,
            replays,
        )
        for method in methods
    ]
    text = search_table(rows, best)
    header = replays.corpus.header
    told = {"data": header.data, "source": header.source, "best": best}
    write_json(folder.search, {**told, "rows": rows})
    write_text(folder.search.with_suffix(".md"), text + "\n")
    say(f"\n{text}\n")
    wrote([folder.search, folder.search.with_suffix(".md")], [f"nas report {folder.path}"])


def best_within(replays: Replays) -> float:
    """The highest accuracy in the table, within the limits."""
    canonical, limits = replays.sampler.space.canonical, replays.sampler.limits
    allowed: dict[str, float] = {}  # of a network that is there twice the first counts, as it does
    for record in replays.corpus.finished:  # for TabularEvaluator
        network = canonical(record.architecture)
        if limits.allow(network):
            allowed.setdefault(network.key, record.target or 0.0)
    if replays.networks > len(allowed):
        raise InvalidOption(
            f"--networks must be at most the {len(allowed)} of the table within the limits, but "
            f"got {replays.networks}"
        )
    return max(allowed.values())


def max_of(trace: Trace) -> float:
    """The best accuracy that a search found."""
    return max((target for target in trace.targets if target is not None), default=0.0)
