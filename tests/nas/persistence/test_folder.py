"""Saved surrogates are safe to load, and one is always whole."""

import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import FunctionTransformer

from nas.core.errors import InvalidSurrogate
from nas.core.interfaces import Prediction, Surrogate
from nas.persistence import folder as storage
from surrogates import Constant


class Stored(Surrogate):
    """Lives in a module that is not ours."""

    def __init__(self, level=1.0, inner=None):
        self.level = level
        self.inner = inner

    def fit(self, corpus):
        return self

    def predict(self, queries):
        return Prediction(np.zeros(len(queries)))


FOREIGN = '''
import numpy as np
from nas import Prediction, Surrogate


class Mine(Surrogate):
    """Somebody else's."""

    def __init__(self, level=1.0):
        self.level = level

    def fit(self, corpus):
        self.array_ = np.ones(2)
        return self

    def predict(self, queries):
        return Prediction(np.zeros(len(queries)))

class NotOne:
    def __init__(self):
        raise SystemExit("called")
'''


@pytest.fixture
def saved(tmp_path):
    """A saved Constant with an array and an estimator."""
    surrogate = Constant()
    surrogate.mean_, surrogate.std_ = 0.5, 0.1
    surrogate.array_ = np.arange(5.0)
    surrogate.model_ = Ridge().fit(np.eye(3), np.arange(3.0))
    surrogate.save(tmp_path / "saved")
    return tmp_path / "saved"


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    """An importable module `foreign_surrogate` of somebody else's."""
    (tmp_path / "foreign_surrogate.py").write_text(FOREIGN)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("foreign_surrogate", None)


def edit(folder, change):
    path = folder / storage.MAIN
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def refused(folder, match, base=Surrogate, **trust):
    with pytest.raises(InvalidSurrogate, match=match) as error:
        base.load(folder, **trust)
    assert "\n" not in str(error.value)


def test_what_was_saved_comes_back(saved):
    loaded = Constant.load(saved)
    assert (type(loaded), loaded.mean_, loaded.model_.predict([[0, 0, 0]]).shape) == (
        Constant,
        0.5,
        (1,),
    )
    assert json.loads((saved / storage.MAIN).read_text())["surrogate"]["class"] == (
        "surrogates.Constant"
    )


def test_only_learned_state_is_saved(tmp_path):
    surrogate = Constant()
    surrogate.mean_, surrogate._cache_, surrogate.cache = 0.5, object(), object()
    surrogate.save(tmp_path)
    assert not hasattr(Surrogate.load(tmp_path), "cache")


def test_saving_again_replaces_and_leaves_other_files(saved):
    (saved / "config.yaml").write_text("mine")
    before = {path.name for path in saved.iterdir()}
    surrogate = Constant.load(saved)
    surrogate.array_ = np.zeros(1)
    surrogate.save(saved)
    assert len({path.name for path in saved.iterdir()}) == len(before)
    assert (saved / "config.yaml").read_text() == "mine"
    np.testing.assert_array_equal(Constant.load(saved).array_, np.zeros(1))


@pytest.mark.parametrize("broken", ["_write_state", "_write_main"])
def test_a_save_that_dies_leaves_the_old_one(saved, monkeypatch, broken):
    def die(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(storage, broken, die)
    surrogate = Constant.load(saved)
    surrogate.array_ = np.zeros(1)
    with pytest.raises(KeyboardInterrupt):
        surrogate.save(saved)
    np.testing.assert_array_equal(Constant.load(saved).array_, np.arange(5.0))


def test_a_folder_without_one_is_refused(tmp_path, saved):
    refused(tmp_path / "nowhere", "must be a folder with surrogate.json")
    refused(saved / storage.MAIN, "must be a folder with surrogate.json")


@pytest.mark.parametrize("keep", [0, 1, 50, -3])
def test_truncated_files_are_refused(saved, keep):
    for path in [p for p in saved.rglob("*") if p.is_file()]:
        data = path.read_bytes()
        path.write_bytes(data[:keep])
        refused(saved, "cannot be read")
        path.write_bytes(data)


def test_missing_files_are_refused(saved):
    for path in [p for p in saved.rglob("*") if p.is_file() and p.name != storage.MAIN]:
        data = path.read_bytes()
        path.unlink()
        refused(saved, "is missing")
        path.write_bytes(data)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.pop("surrogate"),
        lambda c: c.update(surrogate=3),
        lambda c: c["surrogate"].pop("state"),
        lambda c: c["surrogate"].update(state=[]),
        lambda c: c["surrogate"]["state"].update(x_={"$array": 99}),
        lambda c: c["surrogate"]["state"].update(x_={"$array": "../0"}),
        lambda c: c["surrogate"]["state"].update(x_={"$estimator": "../../0"}),
        lambda c: c["surrogate"]["state"].update(x_={"$unknown": 1}),
        lambda c: c["surrogate"]["state"].update(x_={"$tensor": 0}),
        lambda c: c["surrogate"]["state"].update(__class__="x"),
        lambda c: c["surrogate"]["state"].update(predict=1),
        lambda c: c["surrogate"]["arguments"].update(unknown=1),
        lambda c: c.update(folder="../elsewhere"),
        lambda c: c.update(folder=None),
        lambda c: c.update(format=2),
        lambda c: c.pop("format"),
    ],
)
def test_broken_contents_are_refused(saved, change):
    edit(saved, change)
    refused(saved, "cannot be read|is missing|must")


@pytest.mark.parametrize("text", ["", "[]", "null", '"x"', "{", "[" * 5000, '{"format": 1}'])
def test_foreign_formats_are_refused(saved, text):
    (saved / storage.MAIN).write_text(text)
    refused(saved, "must be of format 1|cannot be read")


@pytest.mark.parametrize(
    ("path", "match"),
    [
        ("os.system", "comes from 'os'"),
        ("subprocess.Popen", "comes from 'subprocess'"),
        ("nas.core.corpus.Corpus", "must be a Surrogate"),
        ("nas.core.files.os.system", "must be a Surrogate"),
        ("surrogates.Nothing", "must be importable"),
        ("surrogates.nothing.Constant", "must be importable"),
        ("surrogates", "must be importable"),
        ("nas.__main__.main", "must be dotted names"),
        ("..surrogates.Constant", "must be dotted names"),
        ("", "must be dotted names"),
    ],
)
def test_other_classes_are_refused(saved, path, match):
    edit(saved, lambda c: c["surrogate"].update({"class": path}))
    refused(saved, match)


def test_a_nested_class_is_checked_before_it_is_called(saved, foreign):
    inner = {"class": "foreign_surrogate.NotOne", "arguments": {}, "state": {}}
    edit(saved, lambda c: c["surrogate"]["state"].update(x_={"$surrogate": inner}))
    refused(saved, "comes from 'foreign_surrogate'")
    refused(saved, "must be a Surrogate", trust=["foreign_surrogate"])


def test_another_class_than_asked_for_is_refused(saved):
    refused(saved, "must be a Stored", base=Stored)


def test_other_packages_must_be_trusted(foreign, tmp_path):
    import foreign_surrogate

    foreign_surrogate.Mine(2.0).fit(None).save(tmp_path / "saved")
    sys.modules.pop("foreign_surrogate")
    refused(tmp_path / "saved", r"add --trust '\[foreign_surrogate\]'")
    assert "foreign_surrogate" not in sys.modules
    loaded = Surrogate.load(tmp_path / "saved", trust=["foreign_surrogate"])
    assert (loaded.level, loaded.array_.tolist()) == (2.0, [1.0, 1.0])


def test_a_module_that_does_not_import_is_refused(tmp_path, saved, monkeypatch):
    (tmp_path / "broken_module.py").write_text("raise RuntimeError('two\\nlines')")
    (tmp_path / "lacking_module.py").write_text("import not_installed_anywhere")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("broken_module", "lacking_module"):
        edit(saved, lambda c, name=name: c["surrogate"].update({"class": f"{name}.Mine"}))
        refused(saved, "must be importable", trust=[name])


def test_estimators_with_foreign_functions_are_refused(tmp_path):
    surrogate = Constant()
    surrogate.model_ = FunctionTransformer(json.loads)
    surrogate.save(tmp_path)
    refused(tmp_path, r"must be made of scikit-learn's types, but .* add --trust '\[json\]'")
    assert Surrogate.load(tmp_path, trust=["json"]).model_.func is json.loads


def test_local_classes_cannot_be_saved(tmp_path):
    class Local(Constant):
        pass

    with pytest.raises(InvalidSurrogate, match="must be importable"):
        Local().save(tmp_path)


def test_constructors_must_store_their_arguments(tmp_path):
    surrogate = Stored()
    del surrogate.level
    surrogate.inner = None
    with pytest.raises(InvalidSurrogate, match=r"must (store its arguments|be importable)"):
        surrogate.save(tmp_path)


def test_a_file_in_the_way_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidSurrogate, match="cannot be saved"):
        Constant().save(tmp_path / "file")


def test_loading_a_plain_one_imports_no_torch(tmp_path):
    surrogate = Constant()
    surrogate.array_ = np.zeros(2)
    surrogate.save(tmp_path)
    code = (
        "import sys; from nas import Surrogate; "
        f"Surrogate.load({str(tmp_path)!r}); "
        "sys.exit(any(m in sys.modules for m in ('torch', 'sklearn', 'pytorch_lightning')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
