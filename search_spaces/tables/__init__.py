"""Importers of tables of trained networks that others published, one module for each format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from nas.core.corpus import Corpus
from search_spaces.tables.naap440 import read_naap440

IMPORTERS: Mapping[str, Callable[[Path], Corpus]] = {"naap440": read_naap440}
"""Reader of an upstream folder or file, by the name of its format."""

__all__ = ["IMPORTERS", "read_naap440"]
