import shutil
import sys
from pathlib import Path

import pytest

# Worker processes are given this sys.path, and must import the toys by the same name.
sys.path.insert(0, str(Path(__file__).parent))

import toys

from nas.search.quiet import quiet
from nas.studies.crew import Crew
from nas.studies.storage import opened
from nas.studies.task import find_study, make_study


@pytest.fixture
def storage(tmp_path):
    return str(tmp_path / "study.db")


@pytest.fixture(scope="session")
def empty_storage(tmp_path_factory):
    """A file with tables and no study; making one takes longer than most tests."""
    path = tmp_path_factory.mktemp("empty") / "storage.db"
    with opened(path):
        return path


@pytest.fixture(scope="session")
def empty_study(empty_storage):
    """A file with an empty study of the toy task."""
    path = shutil.copy(empty_storage, empty_storage.with_name("study.db"))
    with quiet(), opened(path) as backend:
        make_study(backend, "toy", toys.TASK)
    return path


@pytest.fixture
def toy_study(storage, empty_study):
    """The trials of an empty study of the toy task."""
    shutil.copy(empty_study, storage)
    with opened(storage) as backend:
        yield find_study(backend, "toy")


@pytest.fixture
def no_workers(monkeypatch):
    """Nothing is trained."""

    def refuse(*args):
        raise AssertionError("no worker may be started")

    monkeypatch.setattr(Crew, "_start", refuse)
