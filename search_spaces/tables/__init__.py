"""Importers of tables of trained networks that others published, one module for each format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from nas.core.corpus import Corpus
from search_spaces.tables.lcnet import read_lcnet
from search_spaces.tables.metaqnn import read_metaqnn
from search_spaces.tables.naap440 import read_naap440
from search_spaces.tables.nas_bench_201 import read_nas_bench_201
from search_spaces.tables.nas_bench_macro import read_nas_bench_macro

IMPORTERS: Mapping[str, Callable[[Path], Corpus]] = {
    "naap440": read_naap440,
    "metaqnn": read_metaqnn,
    "lcnet": read_lcnet,
    "nas-bench-macro": read_nas_bench_macro,
    "nas-bench-201": read_nas_bench_201,
}
"""Reader of an upstream folder or file, by the name of its format."""

NETWORKS: Mapping[str, int] = {
    "naap440": 440,
    "metaqnn": 1000,
    "lcnet": 265,
    "nas-bench-macro": 3969,
    "nas-bench-201": 9445,
}
"""How many networks upstream's table has, likewise; of NAS-Bench-201 the shorter one."""

__all__ = ["IMPORTERS", "NETWORKS"]
