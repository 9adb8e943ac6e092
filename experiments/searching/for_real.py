"""The verb with real trainings: what it tells of each round, and what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.collect import under_bar
from experiments.fit import next_fit
from experiments.folder import RunFolder
from experiments.terminal import say, table, warn, wrote
from nas.core.corpus import Corpus
from nas.core.interfaces import Surrogate
from nas.core.records import Record

if TYPE_CHECKING:
    from nas.studies import CollectTask, SurrogateSampler

TOP = 3


def search_for_real(
    task: CollectTask,
    sampler: SurrogateSampler,
    networks: int,
    folder: RunFolder,
    *,
    storage: str,
    study: str,
    workers: int,
    reclaim: bool,
) -> None:
    """Trains random networks and what the sampler proposes, and writes the folder's corpus.

    Raises:
        NasError: as `nas.studies.search`.
    """
    from nas import studies

    if networks <= sampler.warmup:
        warn(
            f"with --networks {networks} and --warmup {sampler.warmup} all networks are random; "
            "give more --networks, of which the surrogate chooses those behind the random ones"
        )
    found = under_bar(
        folder,
        "training",
        lambda show: studies.search(
            task,
            sampler,
            storage=storage,
            study=study,
            networks=networks,
            workers=workers,
            reclaim=reclaim,
            on_progress=show,
            on_round=lambda number, trained, _: say(round_line(number, trained, sampler.surrogate)),
        ),
    )
    say(outcome(found, sampler.warmup))
    if task.pruner is not None:
        say(saved(found))
    following = [f"nas report {folder.path}", *next_fit(found, folder.corpus, folder.path)]
    wrote([folder.corpus], following)


def round_line(number: int, trained: Corpus, surrogate: Surrogate) -> str:
    """What a round begins with."""
    best = max(trained.finished.targets, default=0.0)
    return (
        f"round {number}: {type(surrogate).__name__} fitted to {len(trained.averaged)} networks, "
        f"best {best:.2%}"
    )


def outcome(found: Corpus, warmup: int) -> str:
    """The best random and the best proposed networks, and what leads in accuracy and MACs."""
    networks = found.finished.distinct
    random = networks.filter(lambda r: r.index is not None and r.index < warmup)
    proposed = networks.filter(lambda r: r.index is None)
    rows = [
        _row(f"{name} {place}", record)
        for name, part in (("best random", random), ("best proposed", proposed))
        for place, record in enumerate(ranked(part)[:TOP], start=1)
    ]
    from nas.search import pareto_front

    rows += [_row("Pareto front", record) for record in pareto_front(found)]
    return table(["", "network", "validation", "test", "params", "MACs"], rows)


def saved(found: Corpus) -> str:
    """How many epochs were not trained because a network could not win any more."""
    stopped = [len(record.curve) for record in found if record.status == "pruned"]
    epochs = len(stopped) * found.finished.epochs - sum(stopped)
    return f"{len(stopped)} trainings were stopped early, which saved {epochs} epochs"


def ranked(corpus: Corpus) -> list[Record]:
    """The records by accuracy, best first."""
    return sorted(corpus, key=lambda record: -(record.target or 0.0))


def _row(name: str, record: Record) -> list[str]:
    measured = (record.target, record.test_accuracy)
    return [
        name,
        record.architecture.key,
        *("-" if value is None else f"{value:.4f}" for value in measured),
        f"{record.params:,}",
        f"{record.macs:,}",
    ]
