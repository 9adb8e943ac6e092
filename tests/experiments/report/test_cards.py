"""What a surrogate says of layers: on which base, within which limits, how sure."""

import re
from dataclasses import replace

import numpy as np
import pytest

from experiments.folder import RunFolder
from experiments.report.cards import PERHAPS_SEEN, SEEN, best_networks, card, judge_of
from experiments.report.content import Content
from nas import Corpus, Layer, Prediction, Query
from nas.core.interfaces import predict
from nas.search import layer_attribution
from nas.testing import toy_corpus
from tests.experiments.report.material import Macs

CORPUS = toy_corpus(24).finished


def content(surrogate=None, corpus=CORPUS, **parts):
    surrogate = surrogate or Macs().fit(CORPUS)
    return Content(RunFolder(None), corpus, surrogate=surrogate, fitted=corpus, **parts)


def judge(*asked, **parts):
    found, remark = judge_of(content(*asked, **parts))
    assert not remark
    return found


def advice(judge, network):
    return card(network, "", [], judge).advice


def test_the_advice_tells_the_saved_surrogates_own_numbers():
    """The prediction on a card may be of another fit, on networks that lack this one."""
    least = min(CORPUS, key=lambda record: record.macs).architecture
    asked = judge()
    before = predict(asked.surrogate, [Query(least)]).mean[0]
    told = re.search(r"([\d.]+) → ([\d.]+) by the saved surrogate", advice(asked, least))
    assert float(told[1]) == pytest.approx(before, abs=5e-4)
    within = [
        edit
        for edit in layer_attribution(asked.surrogate, least, asked.alternatives)
        if asked.limits.allow(edit.architecture)
    ]
    assert float(told[2]) == pytest.approx(max(edit.after for edit in within), abs=5e-4)


def test_no_advice_costs_more_than_the_costliest_known_network():
    """To this surrogate more is always better."""
    most = max(CORPUS, key=lambda record: record.macs).architecture
    shown = card(most, "", [], judge())
    assert shown.advice == "No change of one layer is predicted to help."
    assert not [chip.swap for strip in shown.strips for chip in strip if chip.swap]
    assert [chip.effect for strip in shown.strips for chip in strip if chip.effect]


def test_a_network_that_was_trained_is_told_with_its_accuracy():
    least = min(CORPUS, key=lambda record: record.macs)
    asked = judge()
    favourite = max(
        (
            edit
            for edit in layer_attribution(asked.surrogate, least.architecture, asked.alternatives)
            if asked.limits.allow(edit.architecture)
        ),
        key=lambda edit: edit.change,
    )
    trained = replace(least, architecture=favourite.architecture, target=0.4321)
    known = Corpus(CORPUS.header, (*CORPUS, trained))
    told = advice(judge(corpus=known), least.architecture)
    assert told.startswith("Its favourite change")
    assert told.endswith("That network has been trained: it has 0.4321.")
    assert advice(asked, least.architecture).startswith("To try next")


@pytest.mark.parametrize(("error", "weak"), [(0.0, False), (0.9, True)])
def test_a_gain_below_the_error_is_marked(error, weak):
    points = [{"key": "a", "real": 0.0, "predicted": error}]
    asked = judge(predictions={"Macs": points, "Other": [{**points[0], "predicted": 5.0}]})
    assert asked.error == error
    least = min(CORPUS, key=lambda record: record.macs).architecture
    told = advice(asked, least)
    assert told.startswith("Not clear enough to advise" if weak else "To try next")
    assert told.endswith("on unseen networks it errs by 0.900." if weak else "MACs.")


def test_errors_of_other_surrogates_say_nothing():
    assert judge(predictions={"Other": [{"key": "a", "real": 0, "predicted": 1}]}).error is None


def test_where_the_fitted_networks_are_not_known_a_prediction_may_be_of_a_seen_one():
    def labels(fitted):
        held = replace(content(), fitted=fitted)
        (section,) = best_networks(held, judge_of(held)[0])
        return section.words[0], {name for card in section.parts[0].cards for name, _ in card.facts}

    words, names = labels(None)
    assert PERHAPS_SEEN in names and SEEN not in names
    assert "does not tell what the surrogate was fitted to" in words
    words, names = labels(CORPUS)
    assert SEEN in names and "predicted" not in names
    assert "fitted to it" in words


def test_a_surrogate_that_fails_for_one_network_says_so_on_its_card():
    class Moody(Macs):
        def predict(self, queries):
            if len(queries) > len(CORPUS):
                raise RuntimeError("too many")
            return Prediction(np.full(len(queries), 0.5))

    shown = card(CORPUS[0].architecture, "", [], judge(Moody().fit(CORPUS)))
    assert "cannot be asked about its layers: RuntimeError('too many')" in shown.advice
    assert not any(chip.effect for strip in shown.strips for chip in strip)


def test_limits_are_those_of_networks_as_we_count_them():
    """A table may count otherwise."""
    record = replace(CORPUS[0], macs=10**12, params=10**12)
    asked = judge(corpus=Corpus(CORPUS.header, (record, *CORPUS[1:])))
    assert asked.limits.max_macs == CORPUS[0].architecture.macs
    assert Layer("relu") in asked.alternatives
