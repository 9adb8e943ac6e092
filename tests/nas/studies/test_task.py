from dataclasses import replace

import optuna
import pytest
import toys

from nas import Input
from nas.core.errors import InvalidData, InvalidOption, InvalidStudy
from nas.core.limits import Limits
from nas.search.quiet import quiet
from nas.studies.storage import opened
from nas.studies.task import check_measure, find_study, make_study
from search_spaces import BlockSpace


def test_the_same_task_opens_its_study_again(storage):
    for _ in range(2):
        with quiet(), opened(storage) as backend:
            study = make_study(backend, "toy", toys.task()).study
    assert study.user_attrs["header"]["data"] == "toy"
    assert study.user_attrs["collect"]["space"]["class_path"] == "toys.ToySpace"
    assert study.direction == optuna.study.StudyDirection.MAXIMIZE


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"seed": 6}, "seed = 5, but asked was 6"),
        ({"epochs": 4}, "epochs = null, but asked was 4"),
        ({"limits": Limits(max_params=300)}, "max_params = null, but asked was 300"),
        ({"space": toys.ToySpace((4, 5))}, r"space.init_args.widths = \[4, .* asked was \[4, 5\]"),
        ({"evaluator": toys.Odd()}, "evaluator = .*PretendEvaluator.*toys.Odd"),
        ({"header": replace(toys.HEADER, data="other")}, 'data = "toy", but asked was "other"'),
        ({"header": replace(toys.HEADER, recipe={"epochs": 9})}, "recipe.epochs = 3, but .* 9"),
    ],
)
def test_another_task_is_refused_in_one_line(changes, what, storage, toy_study):
    with quiet(), opened(storage) as backend:
        with pytest.raises(InvalidStudy, match=what) as caught:
            make_study(backend, "toy", toys.task(**changes))
    assert "\n" not in str(caught.value) and "--study or --out" in str(caught.value)


def test_words_in_the_header_may_change(storage, toy_study):
    with quiet(), opened(storage) as backend:
        make_study(backend, "toy", toys.task(header=replace(toys.HEADER, licence="CC0")))


def test_a_study_of_somebody_else_is_refused(storage):
    with quiet(), opened(storage) as backend:
        study = optuna.create_study(study_name="theirs", storage=backend, direction="maximize")
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
        with pytest.raises(InvalidStudy, match="no header"):
            make_study(backend, "theirs", toys.task())
        optuna.create_study(study_name="down", storage=backend)
        with pytest.raises(InvalidStudy, match="must maximize"):
            make_study(backend, "down", toys.task())


def test_other_images_of_the_same_name_are_refused(toy_study):
    check_measure(toy_study, toys.PretendEvaluator(images="a" * 64))
    with pytest.raises(InvalidData, match="digest is aaaaaaaaaaaa…, but theirs is bbbbbbbbbbbb…"):
        check_measure(toy_study, toys.PretendEvaluator(images="b" * 64))


def test_of_two_machines_that_begin_at_once_the_slower_one_is_refused(toy_study, monkeypatch):
    write = toy_study.study.set_user_attr

    def overtaken(name, value):
        write(name, value)
        write(name, "b")

    monkeypatch.setattr(toy_study.study, "set_user_attr", overtaken)
    with pytest.raises(InvalidData, match="digest is b…, but theirs is a…"):
        check_measure(toy_study, toys.PretendEvaluator(images="a"))
    check_measure(toy_study, toys.PretendEvaluator(images="b"))


def test_what_measures_no_images_is_let_in(toy_study):
    check_measure(toy_study, toys.PretendEvaluator(images="a"))
    check_measure(toy_study, toys.PretendEvaluator())


def test_a_study_that_is_not_there(storage, toy_study):
    with opened(storage) as backend, pytest.raises(InvalidStudy, match=r"holds \['toy'\]"):
        find_study(backend, "tox")


def test_header_and_space_must_fit():
    toys.task().check()
    with pytest.raises(InvalidOption, match=r"\(3, 8, 8, 10\), but makes them for \(1, 8, 8, 10\)"):
        toys.task(header=replace(toys.HEADER, input=Input(3, 8, 8, 10))).check()
    with pytest.raises(InvalidOption, match="in another skeleton"):
        toys.task(space=BlockSpace()).check()
