"""NAS-Bench-Macro: 6,561 codes, 3,969 different networks, three CIFAR-10 trainings of each.

Upstream: `nas-bench-macro_cifar10.json` of xiusu/NAS-Bench-Macro. Codes of one canonical form are
one network, which upstream trained once: they are merged here, so that no copy of a training
network lies in a test set. The target is the mean of the three test accuracies.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nas.core.corpus import Corpus, Header
from nas.core.records import Record
from search_spaces.macro import INPUT, SKELETON, canonical_code, macro_network
from search_spaces.tables.reading import corpus_of, find, upstreams

UPSTREAM = "github.com/xiusu/NAS-Bench-Macro"


def read_nas_bench_macro(path: Path) -> Corpus:
    """Reads upstream's JSON file, or the folder that holds it.

    Raises:
        InvalidCorpus: the file is missing or does not look like upstream's.
    """
    file = find(path, "nas-bench-macro_cifar10.json", UPSTREAM)
    header = Header(
        SKELETON,
        INPUT,
        data="CIFAR10",
        recipe={"table": "nas-bench-macro", "target": "mean of three test accuracies"},
        space="search_spaces.MacroSpace",
        source=f"NAS-Bench-Macro, {UPSTREAM}",
        licence="Apache-2.0",
    )
    with upstreams(file):
        rows = json.loads(file.read_text())
        merged = _merged(rows)
        records = tuple(_record(code, row) for code, row in sorted(merged.items()))
    return corpus_of(file, header, records)


def _merged(rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """One row for each canonical code.

    Raises:
        ValueError: codes of one network have different rows.
    """
    merged: dict[str, dict[str, Any]] = {}
    for code, row in sorted(rows.items()):
        canonical = canonical_code(code)
        if merged.setdefault(canonical, row) != row:
            raise ValueError(f"{code} computes what {canonical} does, but their rows differ")
    return merged


def _record(code: str, row: dict[str, Any]) -> Record:
    return Record(
        macro_network(code),
        target=row["mean_acc"] / 100,
        repeats=tuple(accuracy / 100 for accuracy in row["test_acc"]),
    )
