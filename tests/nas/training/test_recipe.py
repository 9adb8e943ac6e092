import json
import math
import subprocess
import sys

import pytest

from nas.core.errors import InvalidOption
from nas.training import Recipe


def test_the_rate_is_cut_every_few_epochs():
    recipe = Recipe(lr=1.0, schedule="step", step_every=3, step_factor=0.5)
    assert [recipe.rate(epoch) for epoch in (0, 2.99, 3, 5.5, 6)] == [1, 1, 0.5, 0.5, 0.25]


def test_one_cycle_warms_up_and_falls_to_zero():
    recipe = Recipe(epochs=10, lr=1.0, schedule="one_cycle")
    assert recipe.rate(0) == pytest.approx(0.04)
    assert recipe.rate(3) == pytest.approx(1.0)
    assert recipe.rate(6.5) == pytest.approx(0.5)
    assert recipe.rate(10) == pytest.approx(0.0) == recipe.rate(12)
    rates = [recipe.rate(step / 10) for step in range(101)]
    assert rates[:31] == sorted(rates[:31])
    assert rates[30:] == sorted(rates[30:], reverse=True)


def test_a_constant_rate_stays():
    assert Recipe(lr=0.3, schedule="constant").rate(100) == 0.3


def test_json_gives_the_recipe_back():
    recipe = Recipe(epochs=3, augment=("crop", "flip"))
    data = json.loads(json.dumps(recipe.to_json()))
    assert data == recipe.to_json()
    assert Recipe(**data) == recipe


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("epochs", 0, "at least 1"),
        ("batch_size", 1, "at least 2"),
        ("lr", 0.0, "above 0"),
        ("lr", math.nan, "above 0"),
        ("momentum", 1.0, r"in \[0, 1\)"),
        ("weight_decay", -1.0, "0 or more"),
        ("schedule", "cosine", "one of step, one_cycle, constant"),
        ("step_every", 0, "at least 1"),
        ("step_factor", 0.0, r"in \(0, 1\]"),
        ("augment", ("rotate",), "some of crop, flip"),
        ("augment", ("flip", "flip"), "some of crop, flip, each once"),
        ("label_smoothing", 1.0, r"in \[0, 1\)"),
        ("precision", "64", "one of 32, bf16"),
    ],
)
def test_a_setting_outside_what_it_may_be_is_refused(name, value, rule):
    with pytest.raises(InvalidOption, match=f"{name} of a recipe must be {rule}.*, but got") as e:
        Recipe(**{name: value})
    assert "\n" not in str(e.value)


def test_a_recipe_comes_without_torch():
    code = "import sys, nas.training, nas.evaluators; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
