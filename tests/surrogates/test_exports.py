"""What the package offers, and that looking at it is cheap."""

import subprocess
import sys

import pytest

import surrogates
from nas.core.interfaces import Surrogate


def test_every_name_is_a_surrogate():
    for name in surrogates.__all__:
        found = getattr(surrogates, name)
        assert issubclass(found, Surrogate)
        assert found.__name__ == name


def test_dir_lists_them():
    assert set(surrogates.__all__) <= set(dir(surrogates))


def test_other_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = surrogates.Nothing


@pytest.mark.parametrize("then", ["", "surrogates.Peephole(loss='pairwise'); surrogates.Constant"])
def test_importing_imports_nothing_heavy(then):
    code = (
        f"import sys, surrogates; {then}\n"
        "heavy = {'torch', 'scipy', 'sklearn', 'optuna', 'pytorch_lightning'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
