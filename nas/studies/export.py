"""Studies as corpora, without touching them: they may be growing, or come from another machine."""

from __future__ import annotations

import os

import optuna
from optuna.trial import TrialState

from nas.core.corpus import Corpus, Header
from nas.search.quiet import quiet
from nas.studies.storage import opened
from nas.studies.task import find_study


def corpus_of(storage: str | os.PathLike[str], study: str) -> Corpus:
    """The records of one study.

    Raises:
        InvalidStudy: the storage cannot be opened or lacks the study.
        InvalidCorpus: the study was not made by nas.
    """
    with quiet(), opened(storage, create=False) as opened_storage:
        return Corpus.from_study(find_study(opened_storage, study).study)


def header_of(storage: str | os.PathLike[str], study: str) -> Header | None:
    """The header of a study; None where there is no such study, or nas has not made it.

    Raises:
        InvalidStudy: the storage cannot be opened.
    """
    with quiet(), opened(storage, create=False) as opened_storage:
        for each in opened_storage.get_all_studies():
            if each.study_name == study and "header" in each.user_attrs:
                return Header.from_json(each.user_attrs["header"])
    return None


def corpora_of(storage: str | os.PathLike[str]) -> dict[str, Corpus]:
    """The records of every study in a storage that nas made, by the study's name.

    Raises:
        InvalidStudy: the storage cannot be opened.
    """
    with quiet(), opened(storage, create=False) as opened_storage:
        summaries = optuna.get_all_study_summaries(opened_storage)
        names = [each.study_name for each in summaries if "header" in each.user_attrs]
        return {name: Corpus.from_study(find_study(opened_storage, name).study) for name in names}


def running_in(storage: str | os.PathLike[str], study: str) -> int:
    """How many trials of a study are running, as far as the storage knows.

    Raises:
        InvalidStudy: the storage cannot be opened or lacks the study.
    """
    with quiet(), opened(storage, create=False) as opened_storage:
        trials = find_study(opened_storage, study).read()
    return sum(trial.state == TrialState.RUNNING for trial in trials)
