"""A corpus file, and a surrogate of the user's own."""

import sys

import pytest

from tests.experiments.small import small_corpus


@pytest.fixture
def corpus_file(tmp_path):
    path = tmp_path / "corpus.jsonl.gz"
    small_corpus().write(path)
    return path


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A module of the user's in the working folder."""

    def write(body, name="my_plugin", learnt="fitted_ = True"):
        (tmp_path / f"{name}.py").write_text(
            "import numpy as np\nfrom nas import Prediction, Surrogate\n\n"
            "class Mine(Surrogate):\n"
            "    def __init__(self, answer: float = 0.5):\n        self.answer = answer\n"
            f"    def fit(self, corpus):\n        self.{learnt}\n        return self\n"
            f"    def predict(self, queries):\n        {body}\n"
        )
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(
            sys, "path", list(sys.path)
        )  # each test has a working folder of its own
        sys.modules.pop(name, None)
        return f"{name}.Mine"

    yield write
    sys.modules.pop("my_plugin", None)
