"""The paper's space: blocks drawn by a Markov chain, placed in a skeleton."""

from search_spaces.block.skeletons import paper_skeleton
from search_spaces.block.space import BlockSpace

__all__ = ["BlockSpace", "paper_skeleton"]
