"""The recipe of a long training: schedules and what is refused."""

import pytest

from nas.core.errors import InvalidOption
from nas.training import Recipe
from nas.training.transfer import TransferRecipe


def test_cosine_behind_a_warm_up():
    recipe = TransferRecipe(epochs=10, lr=0.4, warmup=0.2)
    assert [recipe.rate(p) for p in (0, 1, 2)] == pytest.approx([0.0, 0.2, 0.4])
    assert recipe.rate(6) == pytest.approx(0.2)
    assert [recipe.rate(p) for p in (10, 11)] == pytest.approx([0.0, 0.0])
    rates = [recipe.rate(p / 7) for p in range(14, 71)]
    assert rates == sorted(rates, reverse=True)


def test_steps_behind_a_warm_up():
    recipe = TransferRecipe(epochs=9, lr=1.0, schedule="step", step_every=3, warmup=1 / 9)
    rates = [recipe.rate(p) for p in (0.5, 1, 2.9, 3, 5.9, 6, 8.9)]
    assert rates == pytest.approx([0.5, 1, 1, 0.1, 0.1, 0.01, 0.01])


def test_constant_without_a_warm_up():
    recipe = TransferRecipe(schedule="constant", warmup=0.0, lr=0.3)
    assert {recipe.rate(p / 3) for p in range(200)} == {0.3}


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"schedule": "one_cycle"}, "one of cosine, step, constant, but got 'one_cycle'"),
        ({"precision": "64"}, "one of 32, bf16, 16"),
        ({"warmup": 1.0}, r"warmup of a recipe must be in \[0, 1\)"),
        ({"min_area": 0.0}, r"min_area of a recipe must be in \(0, 1\]"),
        ({"accumulate": 3}, r"divide batch_size \(256\), but got 3"),
        ({"accumulate": 0}, "accumulate"),
        ({"ema": 1.0}, r"ema of a recipe must be in \[0, 1\)"),
        ({"lr": 0.0}, "lr of a recipe must be above 0"),
    ],
)
def test_a_setting_outside_its_range_is_refused(settings, part):
    with pytest.raises(InvalidOption, match=part):
        TransferRecipe(**settings)


def test_the_recipe_of_sampled_networks_has_its_own_schedules():
    assert Recipe(schedule="one_cycle").schedule == "one_cycle"
    with pytest.raises(InvalidOption, match="one of step, one_cycle, constant"):
        Recipe(schedule="cosine")
    assert set(TransferRecipe().to_json()) > set(Recipe().to_json())
