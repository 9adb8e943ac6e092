"""The paper's space: blocks drawn by a Markov chain, placed in a skeleton."""

from search_spaces.block.skeletons import light_skeleton, paper_skeleton, vgg_skeleton
from search_spaces.block.space import BlockSpace

__all__ = ["BlockSpace", "light_skeleton", "paper_skeleton", "vgg_skeleton"]
