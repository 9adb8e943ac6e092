"""What kept results depend on."""

import subprocess
import sys

import pytest
from sklearn.linear_model import Ridge

from experiments.identity import digest, identity, source
from nas.core.errors import InvalidOption
from nas.core.limits import Limits
from surrogates import Calibrated, Ensemble, LastValue, RandomForest, SklearnSurrogate

PLUGIN = """
from nas import Prediction, Surrogate

class Mine(Surrogate):
    def __init__(self, size: int = 1):
        self.size = size

    def fit(self, corpus): ...

    def predict(self, queries): ...

class Ridge:
    def __init__(self, alpha=1.0):
        self.alpha = alpha
"""


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """A module, and a folder without __init__.py of two modules, all with classes of one name."""
    (tmp_path / "folder_of_mine").mkdir()
    paths = [tmp_path / "one_of_mine.py"]
    paths += [tmp_path / "folder_of_mine" / name for name in ("a_one.py", "b_one.py")]
    for path in paths:
        path.write_text(PLUGIN)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    import folder_of_mine.a_one
    import folder_of_mine.b_one
    import one_of_mine

    yield [one_of_mine, folder_of_mine.a_one, folder_of_mine.b_one], paths
    for name in [name for name in sys.modules if "_of_mine" in name]:
        del sys.modules[name]


def told(thing):
    return digest(identity({"surrogate": thing}))


def test_equal_settings_are_equal_and_others_are_not():
    def made(trees=20, seed=1):
        return Ensemble([RandomForest(trees=trees), Calibrated(LastValue(), seed=seed)])

    assert told(made()) == told(made())
    assert len({told(made()), told(made(trees=21)), told(made(seed=2))}) == 3
    assert told(Limits(max_macs=5)) != told(Limits(max_params=5))


def test_it_is_the_same_in_another_process():
    code = (
        "from experiments.identity import digest, identity;"
        "from surrogates import SklearnSurrogate; from sklearn.linear_model import Ridge;"
        "print(digest(identity({'surrogate': SklearnSurrogate(Ridge(alpha=2.0))})))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == told(SklearnSurrogate(Ridge(alpha=2.0)))


def test_classes_of_one_name_are_told_apart_wherever_they_stand(plugins):
    modules, _ = plugins
    estimators = [SklearnSurrogate(each.Ridge()) for each in modules]
    wrapped = [Calibrated(each.Mine()) for each in modules]
    assert len({told(each) for each in [*estimators, *wrapped, SklearnSurrogate(Ridge())]}) == 7


@pytest.mark.parametrize("place", range(3))
def test_an_edit_of_the_code_counts(plugins, place):
    modules, paths = plugins
    things = [Calibrated(modules[place].Mine()), SklearnSurrogate(modules[place].Ridge())]
    before = [told(each) for each in things]
    assert before == [told(each) for each in things]
    paths[place].write_text(PLUGIN + "\n# fitted otherwise\n")
    assert not {*before} & {told(each) for each in things}


def test_code_that_is_named_counts_with_its_whole_package():
    assert source("nas.core") != source("nas.core.metrics") != source("nas")
    assert identity({}, ("nas.core",)) != identity({}, ("nas.core.metrics",))


def test_what_holds_itself_is_refused():
    surrogate = Calibrated(LastValue())
    surrogate.surrogate = surrogate
    with pytest.raises(InvalidOption, match="must not hold themselves"):
        told(surrogate)
