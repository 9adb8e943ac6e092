"""`nas corpus`: look into corpus files, make them from studies and published tables, join them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from experiments.corpora import corpus_file
from experiments.folder import RunFolder
from experiments.terminal import say, table, warn, wrote
from nas.core import metrics
from nas.core.corpus import Corpus
from nas.core.errors import InvalidCorpus, InvalidOption
from nas.core.records import STATUSES


def info(file: Path) -> None:
    """Say what a corpus file holds.

    Args:
        file: corpus file (.jsonl or .jsonl.gz).
    """
    corpus = Corpus.read(corpus_file(file))
    header, finished = corpus.header, corpus.finished
    counts = [(status, sum(r.status == status for r in corpus)) for status in STATUSES]
    size = header.input
    say(f"{file}: {counted(corpus)}")
    shape = f"{size.channels}x{size.height}x{size.width}"
    say(f"data     {header.data}, {shape}, {size.classes} classes")
    say(f"space    {header.space or '-'}")
    say(f"recipe   {', '.join(f'{k}={v}' for k, v in header.recipe.items()) or '-'}")
    say(f"source   {header.source or '-'}, licence {header.licence or '-'}")
    say(f"status   {', '.join(f'{count} {status}' for status, count in counts if count) or '-'}")
    if noise := metrics.noise(corpus):
        say(f"noise    {noise_line(noise)}")
    if finished:
        rows = {
            "accuracy": finished.targets,
            "params": np.array([r.params for r in finished], float),
            "MACs": np.array([r.macs for r in finished], float),
            "layers": np.array([len(r.architecture.layers()) for r in finished], float),
            "epochs": np.array([len(r.curve) for r in finished], float),
        }
        say()
        say(
            table(
                ["", "mean", "std", "min", "median", "max"], [_row(k, v) for k, v in rows.items()]
            )
        )


def counted(corpus: Corpus) -> str:
    """How many networks, and how often they were trained in all."""
    networks = len(corpus.distinct)
    further = len(corpus) - networks
    return f"{networks} networks" + (f" and {further} further trainings of them" if further else "")


def noise_line(noise: metrics.Noise) -> str:
    """What trainings of the same networks differ by."""
    return (
        f"{noise.networks} networks trained more than once: tau {noise.tau:.3f} between two "
        f"trainings, std {noise.std:.4f} between seeds; an oracle would reach a tau of "
        f"{noise.ceiling:.3f}"
    )


def _row(name: str, values: np.ndarray) -> list[str]:
    form = "{:.4f}" if name == "accuracy" else "{:,.0f}"
    stats = (values.mean(), values.std(), values.min(), np.median(values), values.max())
    return [name, *(form.format(value) for value in stats)]


def export(storage: str, out: Path, study: str = "nas") -> None:
    """Write a study's finished trials as a corpus file.

    Args:
        storage: Optuna storage URL, or a run folder that 'nas collect' wrote.
        out: corpus file to write (.jsonl or .jsonl.gz).
        study: name of the study.
    """
    from nas.studies import corpus_of

    url = RunFolder(Path(storage)).storage if Path(storage).is_dir() else storage
    corpus = corpus_of(url, study)
    _check_name(out)
    corpus.write(out)
    wrote([f"{out} ({counted(corpus)})"], [f"nas corpus info {out}"])


def import_(format: str, path: Path, out: Path = Path("corpus.jsonl.gz")) -> None:
    """Write a published table of trained networks as a corpus file.

    Args:
        format: naap440, metaqnn, lcnet, nas-bench-macro or nas-bench-201.
        path: upstream's folder or file.
        out: corpus file to write (.jsonl or .jsonl.gz).
    """
    from search_spaces.tables import IMPORTERS, NETWORKS

    if format not in IMPORTERS:
        raise InvalidOption(f"format must be one of {', '.join(IMPORTERS)}, but got {format!r}")
    _check_name(out)
    corpus = IMPORTERS[format](path)
    if len(corpus) < NETWORKS[format]:
        warn(
            f"upstream's {format} has {NETWORKS[format]} networks, but {path} has {len(corpus)}; "
            "if you did not shorten it, get it again"
        )
    corpus.write(out)
    wrote([f"{out} ({counted(corpus)})"], [f"nas corpus info {out}"])


def merge(files: list[Path], out: Path) -> None:
    """Join corpora of one task; of equal networks trained with one seed the first is kept.

    Args:
        files: corpus files.
        out: corpus file to write (.jsonl or .jsonl.gz).
    """
    _check_name(out)
    first, *others = (Corpus.read(corpus_file(file)) for file in files)
    corpus = first.merge(*others)
    corpus.write(out)
    wrote([f"{out} ({counted(corpus)})"])


def _check_name(out: Path) -> None:
    if not out.name.endswith((".jsonl", ".jsonl.gz")):
        raise InvalidCorpus(f"--out must end in .jsonl or .jsonl.gz, but got {out.name!r}")
