"""Concrete search spaces, and importers of tables of trained networks that others published."""

from search_spaces.block import BlockSpace, paper_skeleton
from search_spaces.cell import CellSpace
from search_spaces.macro import MacroSpace
from search_spaces.table import TableSpace

__all__ = ["BlockSpace", "CellSpace", "MacroSpace", "TableSpace", "paper_skeleton"]
