"""Concrete search spaces, and importers of tables of trained networks that others published."""

from search_spaces.block import BlockSpace, light_skeleton, paper_skeleton, vgg_skeleton
from search_spaces.cell import CellSpace
from search_spaces.macro import MacroSpace
from search_spaces.table import TableSpace
from search_spaces.vgg import vgg13_bn

__all__ = [
    "BlockSpace",
    "CellSpace",
    "MacroSpace",
    "TableSpace",
    "light_skeleton",
    "paper_skeleton",
    "vgg13_bn",
    "vgg_skeleton",
]
