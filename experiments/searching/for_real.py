"""What a search with real trainings tells: each round, and what was found."""

from __future__ import annotations

from experiments.terminal import table
from nas.core.corpus import Corpus
from nas.core.interfaces import Surrogate
from nas.core.records import Record

TOP = 3


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
