"""Peephole (Deng, Yan, Lin 2017): accuracy before training, from the sequence of layers."""

from surrogates.peephole.surrogate import Peephole

__all__ = ["Peephole"]
