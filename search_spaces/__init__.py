"""Concrete search spaces, and importers of tables of trained networks that others published."""

from search_spaces.block import BlockSpace, paper_skeleton

__all__ = ["BlockSpace", "paper_skeleton"]
