import optuna
import pytest
import toys

from nas.core.errors import InvalidCorpus, InvalidStudy
from nas.search.quiet import quiet
from nas.studies import corpora_of, corpus_of, header_of
from nas.studies.owners import Owner
from nas.studies.slots import slots_of
from nas.studies.storage import opened
from nas.studies.worker import work


def test_a_study_comes_out_as_a_corpus_while_it_grows(storage, toy_study):
    assert len(corpus_of(storage, "toy")) == 0
    work(toys.TASK, toy_study, slots_of(toys.TASK, 2), Owner.here())
    corpus = corpus_of(storage, "toy")
    assert toys.facts(corpus) == toys.expected(2)
    assert corpus.header == toys.HEADER
    assert corpora_of(storage) == {"toy": corpus}
    assert (header_of(storage, "toy"), header_of(storage, "tox")) == (toys.HEADER, None)


def test_studies_of_others_are_left_out(storage, toy_study):
    with quiet(), opened(storage) as backend:
        optuna.create_study(study_name="theirs", storage=backend)
    assert list(corpora_of(storage)) == ["toy"]
    with pytest.raises(InvalidCorpus, match="no header"):
        corpus_of(storage, "theirs")


def test_what_is_missing_is_said(storage, toy_study):
    with pytest.raises(InvalidStudy, match="holds"):
        corpus_of(storage, "tox")
    with pytest.raises(InvalidStudy, match="must exist"):
        corpora_of(storage + "x")
