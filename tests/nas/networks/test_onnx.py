"""Networks as ONNX: onnxruntime computes what torch does."""

import numpy as np
import onnxruntime
import pytest
import torch

from nas import Architecture, Input, Layer, Skeleton
from nas.core.errors import InvalidNetwork, InvalidOption
from nas.core.ops import Cost, Op
from nas.networks import Classifier, build, initialise, onnx
from nas.networks.onnx import check_onnx, export_onnx, rehearse_onnx

SIZE = Input(3, 8, 6, 4)


def classifier(*layers):
    architecture = Architecture(
        ((*layers, Layer("global_pool"), Layer("dense", width=4)),), Skeleton.plain(), SIZE
    )
    network = build(architecture)
    initialise(network, 0)
    return Classifier(network, (0.5,) * 3, (0.2,) * 3, "abcd").eval()


class Strange(Op):
    """What cannot be written down without its data."""

    def place(self, layer, in_shape):
        return Cost(in_shape)

    def build(self, layer, in_shape):
        class Depends(torch.nn.Module):
            def forward(self, x):
                return x * 2 if x.sum().item() > 0 else x

        return Depends()


@pytest.mark.parametrize(
    "layers",
    [
        # Even windows, padding of all kinds, and every op of the paper's seven.
        [
            Layer("conv", (4, 3), width=6),
            Layer("batch_norm"),
            Layer("relu"),
            Layer("max_pool", (2, 5)),
            Layer("avg_pool", (4, 3)),
            Layer("sigmoid"),
            Layer("conv", (1, 2), ratio=0.5, stride=2),
            Layer("tanh"),
        ],
        # A graph, and the other ops.
        pytest.param(
            [
                Layer("inverted_bottleneck", (3, 3), ratio=2.0),
                Layer("depthwise", (3, 3)),
                Layer("dropout"),
                Layer("identity", inputs=(-3,)),
                Layer("zero", inputs=(-4,)),
                Layer("concat", inputs=(-1, -2, -4)),
                Layer("add", inputs=(-1, -1)),
            ],
            marks=pytest.mark.slow,
        ),
    ],
    ids=["chain", "graph"],
)
def test_onnxruntime_computes_the_same_for_any_number_of_images(tmp_path, layers):
    network, path = classifier(*layers), tmp_path / "network.onnx"
    export_onnx(network, SIZE, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_inputs()] == ["images"]
    for number in (1, 2, 5):
        images = torch.rand(number, 3, 8, 6)
        (found,) = session.run(["logits"], {"images": images.numpy()})
        with torch.no_grad():
            np.testing.assert_allclose(found, network(images).numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_logits_that_differ_are_refused(tmp_path, monkeypatch):
    network = classifier(Layer("relu"))
    monkeypatch.setattr(onnx, "TOLERANCE", -1.0)
    with pytest.raises(InvalidNetwork, match=r"must be torch's to -1.0, but differ by up to"):
        export_onnx(network, SIZE, tmp_path / "network.onnx")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_expressed_is_refused_in_one_line():
    network = classifier(Layer(f"{__name__}.Strange"))
    with pytest.raises(
        InvalidNetwork, match=r"what ONNX can express, but: .*--onnx false"
    ) as error:
        rehearse_onnx(network, SIZE)
    assert "\n" not in str(error.value)


def test_a_missing_package_is_named(monkeypatch):
    check_onnx()
    monkeypatch.setattr(onnx, "find_spec", lambda name: None if name == "onnxscript" else name)
    with pytest.raises(InvalidOption, match=r"but onnxscript is missing: pip install 'peephole"):
        check_onnx()
