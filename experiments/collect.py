"""`nas collect`: sample networks of a space, train them, keep them as trials of a study."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from experiments.corpora import corpus_file
from experiments.corpus import counted
from experiments.fit import next_fit
from experiments.folder import RunFolder
from experiments.terminal import ProgressBar, say, training_workers, wrote
from nas.core.architecture import Input
from nas.core.corpus import Corpus, Header
from nas.core.errors import InvalidOption, InvalidStudy
from nas.core.files import check_folder
from nas.core.interfaces import Candidate, SearchSpace
from nas.core.limits import Limits
from nas.training.recipe import Recipe

if TYPE_CHECKING:
    from nas.studies import CollectTask, Progress


ENOUGH_TO_COMPARE = 8
ENDS = {"diverged": "diverged", "timeout": "out of time", "failed": "failed"}
"""What a summary calls the networks that ended in an unusual way."""


def collect(
    space: SearchSpace,
    data: str = "digits",
    recipe: Recipe = Recipe(),  # noqa: B008 - frozen; the parser shows its fields as defaults
    networks: int = 40,
    workers: int | Literal["auto"] = "auto",
    storage: str | None = None,
    study: str = "nas",
    corpus: Path | None = None,
    seed: int = 0,
    max_params: int | None = None,
    max_macs: int | None = None,
    device: str = "auto",
    checkpoint_dir: Path | None = None,
    max_seconds: float | None = None,
    retrain: int = 0,
    train_seed: int = 1,
    reclaim: bool = False,
    retry_failed: bool = False,
    out: Path = Path("runs/collect"),
) -> None:
    """Sample networks of a space and train them.

    The same command goes on where it was stopped or killed; a larger --networks adds to what is
    there. Run it on several machines with one --storage to share the work.

    Args:
        space: search space.
        data: digits, a torchvision name, npz:PATH or folder:PATH.
        recipe: how each network is trained.
        networks: number of different networks wanted in all.
        workers: processes that train at the same time; auto is one a core, on a GPU four.
        storage: Optuna storage: an RDB URL, the path of an SQLite file, journal:PATH or
            grpc://HOST:PORT; an SQLite file in --out where none is given.
        study: name of the study in the storage.
        corpus: exported corpus to go on from, or the name of one that the project holds.
        seed: of the stream of architectures and of every training.
        max_params: largest number of parameters of a network.
        max_macs: largest number of multiply-accumulates of a network for one image.
        device: auto, cpu, cuda, cuda:N or mps.
        checkpoint_dir: folder that keeps unfinished trainings, so that they go on behind their last
            epoch where a worker died; to be shared by machines that share the work.
        max_seconds: time for one network; one that takes longer is stopped behind the epoch that is
            running, or in it, after twice the time.
        retrain: number of networks to train once more at the end, to measure the noise of a
            training; evenly spread over the accuracies.
        train_seed: of these trainings.
        reclaim: treat running trials of other machines as dead (journal and gRPC storages have no
            heartbeat).
        retry_failed: train the networks that failed before (for want of memory, say) or ran out of
            time once again.
        out: folder for everything this run writes.
    """
    folder = RunFolder(out)
    fed = None if storage else known_input(folder, study, data)
    limits = Limits(max_params, max_macs)
    task = task_of(space, data, recipe, seed, limits, device, fed, checkpoint_dir, max_seconds)
    known = Corpus.read(corpus_file(corpus)) if corpus else None
    if known is not None:
        say(f"going on from {counted(known)} …")
    found = train(
        task,
        folder,
        networks,
        workers=training_workers(workers, device),
        storage=storage,
        study=study,
        known=known,
        reclaim=reclaim,
        retry_failed=retry_failed,
        retrain=retrain,
        train_seed=train_seed,
    )
    say(summary(found))
    if any(record.status in ("failed", "timeout") for record in found):
        say("the same command with --retry_failed trains those again that have no result")
    size = len(found.finished.distinct)
    following = [*next_fit(found, folder.corpus, out), f"nas report {out}"]
    if size >= ENOUGH_TO_COMPARE:
        following.insert(
            0,
            f"nas compare --corpus {folder.corpus} --train_size {size * 3 // 4} "
            f"--surrogates '[surrogates.Peephole, surrogates.Constant]' --out {out}/compare",
        )
    wrote([folder.corpus], following)


def task_of(
    space: SearchSpace,
    data: str,
    recipe: Recipe,
    seed: int,
    limits: Limits,
    device: str = "auto",
    fed: Input | None = None,
    checkpoint_dir: Path | None = None,
    max_seconds: float | None = None,
) -> CollectTask:
    """Everything a worker needs, on the data set's input: `fed` where that is known already."""
    from nas.evaluators import TrainingEvaluator
    from nas.studies import CollectTask, stream
    from nas.training.device import find_device

    found = find_device(device)
    if device == "auto":  # a worker whose GPU fails must not go on, slowly, on the CPU
        device = found.type
    evaluator = TrainingEvaluator(data, recipe, device, checkpoint_dir, max_seconds)
    if checkpoint_dir is not None:
        check_folder(checkpoint_dir, "--checkpoint_dir")
    space = space.on(fed or evaluator.input)
    first = next(stream(space, seed, limits)).architecture
    header = Header(
        first.skeleton,
        first.input,
        data,
        recipe.to_json(),
        space=f"{type(space).__module__}.{type(space).__qualname__}",
        source="nas collect",
    )
    return CollectTask(space, evaluator, header, seed, limits=limits)


def known_input(folder: RunFolder, study: str, data: str) -> Input | None:
    """What the data set feeds, where the folder's study tells: loading a data set takes seconds."""
    from nas.studies import header_of

    if not folder.study.is_file():
        return None
    try:
        header = header_of(folder.storage, study)
    except InvalidStudy:  # a broken one is for the collect to refuse, or to mend
        return None
    return header.input if header is not None and header.data == data else None


def train(
    task: CollectTask,
    folder: RunFolder,
    networks: int,
    *,
    workers: int,
    storage: str | None = None,
    study: str = "nas",
    known: Corpus | None = None,
    proposals: Sequence[Candidate] = (),
    reclaim: bool = False,
    retry_failed: bool = False,
    retrain: int = 0,
    train_seed: int = 1,
    label: str = "training",
) -> Corpus:
    """Trains what is missing under a progress bar and writes the folder's corpus."""
    from nas import studies

    if networks < 1:
        raise InvalidOption(f"--networks must be at least 1, but got {networks}")
    url = storage or folder.storage

    def work(show: Callable[[Progress], None]) -> Corpus:
        if known is not None:
            studies.take_in(task, storage=url, study=study, corpus=known)
        return studies.collect(
            task,
            storage=url,
            study=study,
            networks=networks,
            workers=workers,
            proposals=proposals,
            reclaim=reclaim,
            retry_failed=retry_failed,
            retrain=retrain,
            train_seed=train_seed,
            on_progress=show,
        )

    return under_bar(folder, label, work)


def under_bar(
    folder: RunFolder, label: str, work: Callable[[Callable[[Progress], None]], Corpus]
) -> Corpus:
    """Runs what trains networks under a progress bar and writes the folder's corpus."""
    folder.exist()  # told here, it is not the study's storage that is to blame
    bar = ProgressBar(label)

    def show(progress: Progress) -> None:
        if not kept:  # the study has been opened: from here on the options are those of its task
            kept.append(folder.make())
        bar(progress)

    kept: list[RunFolder] = []
    try:
        corpus = work(show)
    finally:
        bar.close()
    corpus.write(folder.corpus)
    return corpus


def summary(corpus: Corpus) -> str:
    """One line on what was collected."""
    networks = corpus.distinct
    ends = [(word, sum(r.status == status for r in networks)) for status, word in ENDS.items()]
    ends += [("further trainings", len(corpus) - len(networks))]
    told = ", ".join([f"{len(networks)} networks", *(f"{n} {word}" for word, n in ends if n)])
    if not networks.finished:
        return f"{told}, none finished"
    targets = networks.finished.targets
    return (
        f"{told}; accuracy {targets.mean():.4f} mean, {targets.std():.4f} std, "
        f"{targets.min():.4f} least, {targets.max():.4f} best"
    )
