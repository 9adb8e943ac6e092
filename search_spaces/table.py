"""The networks of a table as a space: for tables whose networks no generator of ours makes."""

from __future__ import annotations

from nas.core.architecture import Architecture
from nas.core.choices import Choose
from nas.core.corpus import Corpus
from nas.core.interfaces import SearchSpace


class TableSpace(SearchSpace):
    """One question, whose options are the places of the different finished networks.

    Args:
        corpus: the table.
    """

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.input = corpus.header.input
        networks = {record.architecture.key: record.architecture for record in corpus.finished}
        self._networks = tuple(networks.values())

    def generate(self, choose: Choose) -> Architecture:
        """See `SearchSpace.generate`."""
        network = self._networks[choose("network", range(len(self._networks)))]
        return network if network.input == self.input else network.on(network.skeleton, self.input)
