"""A small corpus, and a command that is refused."""

import numpy as np

from experiments.cli import main
from nas import Corpus, Header, LearningCurve, Record
from nas.core.choices import Draw
from search_spaces import BlockSpace

SPACE = BlockSpace()


def small_corpus(number=12, **header):
    rng = np.random.default_rng(0)
    networks = [SPACE.generate(Draw(rng)) for _ in range(number)]
    records = [
        Record(
            network,
            target=0.3 + len(network.layers()) / 200,
            curve=LearningCurve((0.2, 0.25, 0.3 + len(network.layers()) / 200)),
            index=index,
            seed=index,
        )
        for index, network in enumerate(networks)
    ]
    told = {"data": "digits", "recipe": {"epochs": 3}, "source": "nas collect"} | header
    return Corpus(Header(SPACE.skeleton, SPACE.input, **told), tuple(records))


def refused(capsys, *words):
    """The one line on stderr of a command that ends with exit status 2."""
    assert main([str(word) for word in words]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("nas: error: ")
    assert "\n" not in said
    assert "Traceback" not in said
    return said
