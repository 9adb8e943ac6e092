"""The surrogate contract, for each of ours under cheap settings."""

import pytest

import surrogates
from nas.core.errors import InvalidCorpus
from nas.testing import SurrogateContract, toy_corpus

SMALL = {"epochs": 3, "hidden": 8, "mlp": 8, "embedding": 3, "epoch_embedding": 3}

# One row for each setting that changes the way through the code.
CHEAP = {
    "Constant": [{}],
    "Peephole": [
        SMALL,
        {**SMALL, "supervision": "curve", "dropout": 0.2},
        {**SMALL, "sequence": "block", "loss": "mse_l1"},
        {**SMALL, "epochs": 1, "code": "extended", "loss": "pairwise", "members": 2},
    ],
}
TABLE = [(name, settings) for name, rows in CHEAP.items() for settings in rows]


def make(row):
    name, settings = row
    return getattr(surrogates, name)(**settings)


@pytest.fixture(params=TABLE, ids=lambda row: f"{row[0]}-{TABLE.index(row)}")
def row(request):
    return request.param


class TestSurrogates(SurrogateContract):
    @pytest.fixture
    def surrogate(self, row):
        return make(row)

    def test_an_empty_corpus_is_refused_in_one_line(self, surrogate):
        with pytest.raises(InvalidCorpus) as refused:
            surrogate.fit(toy_corpus()[:0])
        assert "\n" not in str(refused.value)


def test_every_public_surrogate_is_in_the_table():
    assert set(CHEAP) == set(surrogates.__all__)
