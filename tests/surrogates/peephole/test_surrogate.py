"""Peephole as a surrogate: supervision, errors, devices, what it learns."""

import subprocess
import sys

import numpy as np
import pytest

from nas.core import metrics
from nas.core.errors import InvalidCorpus, InvalidOption, InvalidSurrogate
from nas.core.interfaces import Query, predict
from nas.testing import toy_corpus
from nas.testing.toy import toy_architectures
from surrogates import Peephole

SMALL = {"epochs": 3, "hidden": 8, "mlp": 8, "embedding": 3, "epoch_embedding": 3}
QUERIES = [Query(each) for each in toy_architectures(6, seed=7)]


def at(epoch):
    return [Query(query.architecture, epoch=epoch) for query in QUERIES]


def test_final_supervision_knows_the_last_epoch_only():
    fitted = Peephole(**SMALL).fit(toy_corpus(epochs=6))
    np.testing.assert_array_equal(predict(fitted, at(6)).mean, predict(fitted, QUERIES).mean)
    with pytest.raises(InvalidOption, match="supervision='curve'"):
        fitted.predict(at(3))


def test_curve_supervision_knows_every_epoch():
    fitted = Peephole(**{**SMALL, "epochs": 40}, supervision="curve", lr=0.01)
    fitted.fit(toy_corpus(epochs=6))
    by_epoch = np.array([predict(fitted, at(epoch)).mean.mean() for epoch in range(1, 7)])
    assert by_epoch[-1] == predict(fitted, QUERIES).mean.mean()
    assert by_epoch[0] < by_epoch[-1]
    for epoch in (0, 7):
        with pytest.raises(InvalidOption, match=r"1\.\.6|at least 1"):
            fitted.predict(at(epoch))


def test_epochs_may_be_mixed_in_one_call():
    fitted = Peephole(**SMALL, supervision="curve").fit(toy_corpus(epochs=6))
    mixed = [Query(q.architecture, epoch) for q in QUERIES for epoch in (1, None)]
    np.testing.assert_allclose(
        predict(fitted, mixed).mean[::2], predict(fitted, at(1)).mean, atol=1e-6
    )


def test_curve_supervision_needs_curves():
    with pytest.raises(InvalidCorpus, match="use 'final'"):
        Peephole(**SMALL, supervision="curve").fit(toy_corpus(epochs=0))


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "mse"},
        {"supervision": "all"},
        {"sequence": "stage"},
        {"code": "long"},
        {"members": 0},
        {"epochs": 0},
        {"batch_size": 1},
        {"seed": -1},
        {"dropout": 1.0},
        {"lr": 0.0},
        {"device": "toaster"},
        {"loss": "pairwise", "supervision": "curve"},
    ],
)
def test_settings_that_cannot_be_are_refused(settings):
    with pytest.raises(InvalidOption):
        Peephole(**{**SMALL, **settings}).fit(toy_corpus(4))


def test_unfitted_it_says_so():
    with pytest.raises(InvalidSurrogate, match="must be fitted"):
        Peephole().predict(QUERIES)


def test_no_queries_no_answers():
    assert len(predict(Peephole(**SMALL, members=2).fit(toy_corpus(4)), [])) == 0


def test_one_network_is_enough():
    for settings in ({}, {"loss": "pairwise"}, {"supervision": "curve"}):
        predict(Peephole(**SMALL, **settings).fit(toy_corpus(1)), QUERIES)


def test_only_an_ensemble_has_a_std():
    corpus = toy_corpus(8)
    assert predict(Peephole(**SMALL).fit(corpus), QUERIES).std is None
    for loss in ("smooth_l1", "pairwise"):
        std = predict(Peephole(**SMALL, members=3, loss=loss).fit(corpus), QUERIES).std
        assert (std > 0).all()


def test_another_seed_gives_another_network():
    corpus = toy_corpus(8)
    first, second = (predict(Peephole(**SMALL, seed=s).fit(corpus), QUERIES).mean for s in (0, 1))
    assert np.abs(first - second).max() > 1e-4


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"loss": "mse_l1"},
        {"sequence": "block"},
        {"code": "extended", "loss": "pairwise"},
    ],
)
def test_it_learns_what_can_be_learnt(settings):
    train, test = toy_corpus(120, epochs=0).split(80)
    fitted = Peephole(hidden=16, mlp=16, epochs=25, lr=0.02, **settings).fit(train)
    said = predict(fitted, [Query(record.architecture) for record in test])
    assert metrics.kendall_tau(test.targets, said.mean) > 0.6
    assert metrics.r2(test.targets, said.mean) > 0.3


def test_predicting_needs_neither_lightning_nor_torchs_compiler(tmp_path):
    Peephole(**SMALL).fit(toy_corpus(4)).save(tmp_path)
    code = f"""
import sys
from nas import Query, Surrogate
from nas.testing.toy import toy_architectures
Surrogate.load({str(tmp_path)!r}).predict([Query(a) for a in toy_architectures(2)])
sys.exit(bool({{"pytorch_lightning", "torch._dynamo"}} & set(sys.modules)))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("device", ["cuda:7", "mps"])
def test_one_that_was_fitted_on_a_device_that_is_not_here_answers_on_the_cpu(tmp_path, device):
    fitted = Peephole(**{**SMALL, "device": "cpu"}).fit(toy_corpus(4))
    said = predict(fitted, QUERIES).mean
    fitted.device = device
    fitted.save(tmp_path)
    np.testing.assert_array_equal(predict(Peephole.load(tmp_path), QUERIES).mean, said)
    with pytest.raises(InvalidOption, match="device must be"):
        Peephole(**{**SMALL, "device": device}).fit(toy_corpus(4))


def test_fit_prints_and_warns_nothing(capfd):
    Peephole(**SMALL).fit(toy_corpus(4))
    assert capfd.readouterr() == ("", "")


def test_fit_works_inside_inference_mode():
    import torch

    with torch.inference_mode():
        predict(Peephole(**SMALL).fit(toy_corpus(4)), QUERIES)


@pytest.mark.gpu
def test_a_gpu_says_what_the_cpu_says():
    on_gpu = Peephole(hidden=16, mlp=16, epochs=5, device="cuda", members=2).fit(toy_corpus())
    said = predict(on_gpu, QUERIES).mean
    on_gpu.device = "cpu"
    on_gpu._networks = None
    np.testing.assert_allclose(predict(on_gpu, QUERIES).mean, said, atol=1e-4)
