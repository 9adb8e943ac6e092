"""Networks as ONNX: the one place that knows onnx and onnxruntime."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from nas.core.architecture import Input
from nas.core.errors import InvalidNetwork, InvalidOption
from nas.core.files import write_bytes
from nas.networks.classifier import Classifier

TOLERANCE = 1e-4
"""Logits may differ from torch's by this, and by this share of torch's on top (`np.allclose`)."""

IMAGES, LOGITS = "images", "logits"
_NEEDED = ("onnx", "onnxscript", "onnxruntime")


def check_onnx() -> None:
    """Raises InvalidOption where the packages that the export needs are missing."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise InvalidOption(
            f"an export to ONNX needs {', '.join(_NEEDED)}, but {', '.join(missing)} is missing: "
            "pip install 'peephole-nas[transfer]', or do without it by --onnx false"
        )


def rehearse_onnx(classifier: Classifier, size: Input) -> None:
    """Finds out, before a network is trained, whether `export_onnx` can write it.

    Raises:
        InvalidNetwork, InvalidOption: it cannot.
    """
    check_onnx()
    _compare(_exported(classifier, size), classifier, size)


def export_onnx(classifier: Classifier, size: Input, path: Path) -> None:
    """Writes a network as ONNX and compares what onnxruntime makes of it with torch.

    The file's input `images` is (n, channels, height, width) with values in [0, 1] and any n; its
    output `logits` is (n, classes).

    Args:
        classifier: in evaluation mode, on the CPU.
        size: of its images.
        path: of the file.

    Raises:
        InvalidNetwork: it cannot be exported, or its logits differ by more than `TOLERANCE`.
        InvalidOption: a package is missing, or the file cannot be written.
    """
    check_onnx()
    content = _exported(classifier, size)
    _compare(content, classifier, size)
    write_bytes(path, content)


def _exported(classifier: Classifier, size: Input) -> bytes:
    try:
        program = torch.onnx.export(
            classifier,
            (_images(size, 2),),
            input_names=[IMAGES],
            output_names=[LOGITS],
            dynamic_shapes=({0: torch.export.Dim("n")},),
            dynamo=True,
            verbose=False,
        )
        assert program is not None  # as it would be without dynamo
        content: bytes = program.model_proto.SerializeToString()
    except Exception as error:  # the exporter lets anything through
        reason = " ".join(str(error).split())[:200]
        raise InvalidNetwork(
            f"the network must consist of what ONNX can express, but: {reason}; export without it "
            "by --onnx false"
        ) from error
    return content


def _compare(content: bytes, classifier: Classifier, size: Input) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    images = _images(size, 3)
    with torch.no_grad():
        expected = classifier(images).numpy()
    (found,) = session.run([LOGITS], {IMAGES: images.numpy()})
    if not np.allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE):
        raise InvalidNetwork(
            f"the exported network's logits must be torch's to {TOLERANCE}, but differ by up to "
            f"{np.abs(found - expected).max():.2g}; export without it by --onnx false"
        )


def _images(size: Input, number: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(number, size.channels, size.height, size.width, generator=generator)
