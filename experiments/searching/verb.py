"""The verb: its options, checked, and which of its two forms they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from experiments.collect import task_of
from experiments.corpora import corpus_file
from experiments.folder import RunFolder
from experiments.searching.for_real import search_for_real
from experiments.searching.in_table import search_in_table
from experiments.searching.replaying import Baseline, Replays, space_of, within_table
from experiments.terminal import training_workers, worker_count
from nas.core.choices import check_seed
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption
from nas.core.interfaces import Acquisition, Proposer, SearchSpace, Surrogate
from nas.core.limits import Limits
from nas.training.recipe import Recipe

if TYPE_CHECKING:
    from nas.studies import LearningCurvePruner


def search(
    surrogate: Surrogate,
    acquisition: Acquisition,
    proposer: Proposer,
    space: SearchSpace | None = None,
    data: str | None = None,
    table: Path | None = None,
    recipe: Recipe = Recipe(),  # noqa: B008 - frozen; the parser shows its fields as defaults
    networks: int = 60,
    warmup: int = 20,
    batch: int = 10,
    repeats: int = 1,
    baselines: list[Baseline] | None = None,
    confidence: float | None = None,
    curve_surrogate: Surrogate | None = None,
    curves: int = 20,
    workers: int | Literal["auto"] = "auto",
    storage: str | None = None,
    study: str = "nas",
    seed: int = 0,
    max_params: int | None = None,
    max_macs: int | None = None,
    device: str = "auto",
    checkpoint_dir: Path | None = None,
    max_seconds: float | None = None,
    reclaim: bool = False,
    out: Path = Path("runs/search"),
) -> None:
    """Search with a surrogate: random networks first, then batches that it likes best.

    With --table the search is replayed over recorded trainings in seconds, --repeats times. The
    same command goes on where it was stopped; a larger --networks adds to what is there.

    Args:
        surrogate: predicts accuracies; fitted again before each batch.
        acquisition: what is worth training, given a prediction.
        proposer: how the space is looked through.
        space: search space; BlockSpace, or with --table the table's own.
        data: digits, a torchvision name, npz:PATH or folder:PATH; digits where no table is given.
        table: corpus file to search in instead of training, or the name of one of ours.
        recipe: how each network is trained.
        networks: number of different networks to train in all.
        warmup: random networks at the beginning; with as many as --networks, the baselines of a
            table run alone.
        batch: networks between two fits.
        repeats: searches in a table, with seeds from --seed on.
        baselines: other searches of the table to set beside: random, evolution, tpe, nsga2.
        confidence: stop a training that is this sure not to beat the best, 0.99 say; None stops
            none.
        curve_surrogate: judges unfinished trainings for that; NuSVR.
        curves: finished trainings before the first one is stopped.
        workers: processes that train, or search a table, at the same time; auto is one a core; four
            train on a GPU.
        storage: Optuna storage: an RDB URL, the path of an SQLite file, journal:PATH or
            grpc://HOST:PORT; an SQLite file in --out where none is given.
        study: name of the study in the storage.
        seed: of random networks, trainings and proposals.
        max_params: largest number of parameters of a network.
        max_macs: largest number of multiply-accumulates of a network for one image.
        device: auto, cpu, cuda, cuda:N or mps.
        checkpoint_dir: folder that keeps unfinished trainings, so that they go on behind their last
            epoch where a worker died; to be shared by machines that share the work.
        max_seconds: time for one network; one that takes longer is stopped behind the epoch that is
            running, or in it, after twice the time.
        reclaim: treat running trials of other machines as dead (journal and gRPC storages have no
            heartbeat).
        out: folder for everything this run writes.
    """
    counts = {"networks": networks, "warmup": warmup, "batch": batch}
    check_options(counts | {"repeats": repeats, "curves": curves}, seed, surrogate)
    if table is not None and data is not None:
        raise InvalidOption("a search needs --data or --table, but got both; drop one")
    if table is None and (repeats != 1 or baselines):
        raise InvalidOption(
            "--repeats and --baselines search a table, but there is none; give --table, or run "
            "'nas collect' for a random search"
        )

    from nas.studies import SurrogateSampler
    from search_spaces import BlockSpace

    limits = Limits(max_params, max_macs)
    settings = (surrogate, acquisition, proposer, warmup, batch)
    folder = RunFolder(out)
    if table is not None:
        replayed = Corpus.read(corpus_file(table))
        where = space.on(replayed.header.input) if space else space_of(replayed)
        sampler = SurrogateSampler(where, *settings, seed=seed, limits=limits)
        if confidence is not None and not replayed.epochs:
            raise InvalidOption("--confidence needs learning curves, but the table has none")
        pruner = pruner_of(where, confidence, curve_surrogate, curves)
        replays = Replays(replayed, within_table(sampler, replayed), networks, pruner)
        search_in_table(replays, repeats, baselines or [], folder, worker_count(workers))
        return
    place = space or BlockSpace()
    task = task_of(
        place, data or "digits", recipe, seed, limits, device, None, checkpoint_dir, max_seconds
    )
    task = replace(task, pruner=pruner_of(task.space, confidence, curve_surrogate, curves))
    sampler = SurrogateSampler(task.space, *settings, seed=seed, limits=limits)
    search_for_real(
        task,
        sampler,
        networks,
        folder,
        storage=storage or folder.storage,
        study=study,
        workers=training_workers(workers, device),
        reclaim=reclaim,
    )


def check_options(counts: Mapping[str, int], seed: int, surrogate: Surrogate) -> None:
    """Raises InvalidOption for a number below 1, a negative seed or a surrogate of curves."""
    check_seed(seed)
    for name, number in counts.items():
        if number < 1:
            raise InvalidOption(f"--{name} must be at least 1, but got {number}")
    if surrogate.reads_curves:
        raise InvalidOption(
            "--surrogate must judge networks before training, but "
            f"{type(surrogate).__name__} reads curves; take another one"
        )


def pruner_of(
    space: SearchSpace, confidence: float | None, surrogate: Surrogate | None, curves: int
) -> LearningCurvePruner | None:
    """Stops trainings where a confidence is given."""
    if confidence is None:
        return None
    from nas.studies import LearningCurvePruner
    from surrogates import NuSVR

    return LearningCurvePruner(space, surrogate or NuSVR(), confidence, warmup=curves)
