"""The head of the page: what it is about, and that in numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PureWindowsPath

from experiments.report.content import Content
from nas.core.corpus import Corpus, Header

Fact = tuple[str, str]


def title(content: Content) -> str:
    """The folder's name, and what it holds: "demo: 43 networks of the block space on digits"."""
    return f"{content.folder.path.resolve().name}: {_subject(content)}"


def _subject(content: Content) -> str:
    found = content.comparison
    if content.corpus is not None:
        return of_corpus(content.corpus)
    if found is not None:
        names = {row["surrogate"] for row in found.rows}
        where = _origin(found.data, found.source) or PureWindowsPath(found.corpus).name
        return f"{_count(len(names), 'surrogate')} on {where}"
    if content.search:
        where = _origin(content.search.get("data", ""), content.search.get("source", ""))
        return f"{_count(len(content.search['rows']), 'search method')} on {where or 'a table'}"
    if content.transfer:
        networks = " and ".join(row["name"] for row in content.transfer["rows"])
        return f"{networks} on {content.transfer['data']['name']}"
    if content.surrogate is not None:
        to = f" fitted to {of_corpus(content.fitted)}" if content.fitted else ""
        return f"{type(content.surrogate).__name__}{to}"
    return _count(len(content.proposals), "proposal")


def of_corpus(corpus: Corpus) -> str:
    """A corpus in words: "43 networks of the block space on digits"."""
    header = corpus.header
    made = _published(header.source) or space_of(header)
    networks = _count(len(corpus.distinct), "network")
    return f"{networks}{f' of the {made}' if made else ''} on {header.data}"


def _published(source: str) -> str:
    """A published table's name; empty for what is none."""
    return "" if source in ("", "nas collect") else f"{source.partition(',')[0]} table"


def _origin(data: str, source: str) -> str:
    table = source.partition(",")[0]
    return f"{table} ({data})" if table and table != "nas collect" else data


def space_of(header: Header) -> str:
    """A corpus' search space in words: "block space"; empty where it has none."""
    name = header.space.rpartition(".")[2]
    return " ".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)).lower()


def facts(content: Content) -> Iterator[Fact]:
    """What the folder holds, in numbers."""
    if content.corpus is not None:
        yield from _corpus_facts(content.corpus, content.running)
    if content.comparison is not None and content.comparison.rows:
        ranked = [row for row in content.comparison.rows if row["kendall_tau"] is not None]
        yield "surrogates", str(len({row["surrogate"] for row in content.comparison.rows}))
        if ranked:
            best = max(ranked, key=lambda row: row["kendall_tau"])
            yield "highest tau", f"{best['kendall_tau']:.3f}"
            yield "reached by", best["surrogate"]
    if content.search:
        rows = content.search["rows"]
        yield "methods", str(len(rows))
        yield "searches each", str(max(row["seeds"] for row in rows))
        yield "networks looked up", str(max(len(row["regret"]) for row in rows))
        yield "best of the table", f"{content.search['best']:.2%}"
    if content.transfer:
        for row in content.transfer["rows"]:
            yield f"top-1 of {row['name']}", f"{row['top1']:.2%}"
    if content.surrogate is not None:
        yield "surrogate", type(content.surrogate).__name__
    yield from content.summary


def _corpus_facts(corpus: Corpus, running: int) -> Iterator[Fact]:
    networks, size = corpus.distinct, corpus.header.input
    finished = networks.finished
    yield "networks", f"{len(networks):,}"
    if further := len(corpus) - len(networks):
        yield "further trainings", f"{further:,}"
    if running:
        yield "in training", str(running)
    for status, count in Counter(record.status for record in networks).items():
        if status != "complete":
            yield status, str(count)
    yield "data", f"{corpus.header.data}, {size.height}x{size.width}"
    if finished:
        yield "best accuracy", f"{finished.targets.max():.2%}"
        yield "mean accuracy", f"{finished.targets.mean():.2%}"
    if seconds := sum(record.seconds or 0.0 for record in corpus):
        yield "training", f"{seconds / 60:.1f} core\N{NO-BREAK SPACE}minutes"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
