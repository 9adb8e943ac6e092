"""Ready surrogates. Importing this package imports none of them, and so neither torch nor SciPy."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surrogates.bnn import BNN
    from surrogates.calibrated import Calibrated
    from surrogates.constant import Constant
    from surrogates.ensemble import Ensemble
    from surrogates.gaussian_process import GaussianProcess
    from surrogates.last_value import LastValue
    from surrogates.nu_svr import NuSVR
    from surrogates.pairwise_linear import PairwiseLinear
    from surrogates.peephole import Peephole
    from surrogates.sklearn import SklearnSurrogate
    from surrogates.trees import GradientBoosting, RandomForest

__all__ = [
    "BNN",
    "Calibrated",
    "Constant",
    "Ensemble",
    "GaussianProcess",
    "GradientBoosting",
    "LastValue",
    "NuSVR",
    "PairwiseLinear",
    "Peephole",
    "RandomForest",
    "SklearnSurrogate",
]

_MODULES = {
    "BNN": "bnn",
    "Calibrated": "calibrated",
    "Constant": "constant",
    "Ensemble": "ensemble",
    "GaussianProcess": "gaussian_process",
    "GradientBoosting": "trees",
    "LastValue": "last_value",
    "NuSVR": "nu_svr",
    "PairwiseLinear": "pairwise_linear",
    "Peephole": "peephole",
    "RandomForest": "trees",
    "SklearnSurrogate": "sklearn",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
