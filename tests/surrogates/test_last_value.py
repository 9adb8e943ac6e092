from dataclasses import replace

import numpy as np
import pytest

from nas.core.corpus import Corpus
from nas.core.errors import InvalidCorpus, InvalidOption
from nas.core.interfaces import Query
from nas.testing import toy_corpus
from surrogates import LastValue


@pytest.fixture
def corpus():
    return toy_corpus(12)


def test_after_a_prefix_it_predicts_its_last_accuracy(corpus):
    said = LastValue().fit(corpus).predict([Query(corpus[0].architecture, observed=(0.2, 0.37))])
    errors = [r.target - (r.curve[1] if len(r.curve) > 1 else r.curve[-1]) for r in corpus]
    assert said.mean == pytest.approx([0.37])
    assert said.std == pytest.approx([np.sqrt(np.mean(np.square(errors)))])


def test_without_a_prefix_it_predicts_the_mean(corpus):
    said = LastValue().fit(corpus).predict([Query(corpus[0].architecture)])
    assert said.mean == pytest.approx([corpus.targets.mean()])
    assert said.std == pytest.approx([corpus.targets.std()])


def test_what_was_observed_is_known(corpus):
    query = Query(corpus[0].architecture, epoch=1, observed=(0.2, 0.37))
    said = LastValue().fit(corpus).predict([query])
    assert (said.mean[0], said.std[0]) == (0.2, 0.0)


def test_a_target_beyond_the_last_epoch_is_not_known_from_it(corpus):
    """Tables may tell the best epoch, or a mean of seeds."""
    beyond = tuple(replace(record, target=min(record.target + 0.1, 1.0)) for record in corpus)
    fitted = LastValue().fit(Corpus(corpus.header, beyond))
    seen = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
    named, unnamed = (Query(corpus[0].architecture, epoch, seen) for epoch in (6, None))
    said = fitted.predict([named, unnamed])
    assert said.mean == pytest.approx([0.7, 0.7])
    assert said.std == pytest.approx([0.1, 0.1])


def test_it_knows_the_mean_of_every_epoch(corpus):
    said = LastValue().fit(corpus).predict([Query(corpus[0].architecture, epoch=1)])
    assert said.mean == pytest.approx([np.mean([r.curve[0] for r in corpus])])


def test_an_epoch_beyond_the_curves_is_refused(corpus):
    with pytest.raises(InvalidOption, match=r"1\.\.6"):
        LastValue().fit(corpus).predict([Query(corpus[0].architecture, epoch=7)])


def test_no_networks_are_refused(corpus):
    with pytest.raises(InvalidCorpus, match="finished"):
        LastValue().fit(corpus[:0])
