"""Every kind of value survives saving and loading."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern, WhiteKernel

from nas.core.errors import InvalidSurrogate
from nas.core.interfaces import Surrogate
from nas.testing.comparison import same
from surrogates import Constant

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
arrays = hnp.arrays(
    hnp.boolean_dtypes()
    | hnp.integer_dtypes(endianness="<")
    | hnp.unsigned_integer_dtypes(endianness="<")
    | hnp.floating_dtypes(endianness="<", sizes=(16, 32, 64))
    | hnp.unicode_string_dtypes(endianness="<", max_len=4),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)
values = st.recursive(
    plain | arrays.filter(lambda a: a.dtype.kind != "f" or not np.isnan(a).any()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.just("$tuple"), inner, max_size=3)
    ),
    max_leaves=8,
)


def through(tmp_path, value):
    surrogate = Constant()
    surrogate.value_ = value
    surrogate.save(tmp_path / "saved")
    return Surrogate.load(tmp_path / "saved").value_


@settings(max_examples=150, deadline=None)
@given(value=values)
def test_values_survive(tmp_path_factory, value):
    assert same(through(tmp_path_factory.getbasetemp() / "property", value), value)


@pytest.mark.parametrize("value", [math.inf, -math.inf, [1.5, (math.inf,)]])
def test_infinite_floats_survive(tmp_path, value):
    assert through(tmp_path, value) == value


def test_not_a_number_survives(tmp_path):
    assert math.isnan(through(tmp_path, math.nan))
    read = through(tmp_path, np.array([1.0, np.nan]))
    np.testing.assert_array_equal(read, [1.0, np.nan])


def test_loaded_arrays_can_be_written_to(tmp_path):
    read = through(tmp_path, np.zeros(3))
    read[0] = 1.0


@pytest.mark.parametrize("scalar", [np.float32(0.5), np.int64(3), np.bool_(True), np.float64(2.5)])
def test_numpy_scalars_survive(tmp_path, scalar):
    assert through(tmp_path, scalar) == scalar


@pytest.mark.parametrize(
    "array",
    [np.arange(6).reshape(2, 3).T, np.arange(10)[::3], np.arange(3, dtype=">i4")],
    ids=["transposed", "strided", "big-endian"],
)
def test_arrays_in_any_layout_survive(tmp_path, array):
    np.testing.assert_array_equal(through(tmp_path, array), array)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64, torch.bool])
def test_tensors_survive(tmp_path, dtype):
    tensor = torch.tensor([[0, 1], [1, 0]], dtype=dtype)
    read = through(tmp_path, [tensor, torch.tensor(3.0, requires_grad=True)])
    assert read[0].dtype == dtype
    assert torch.equal(read[0], tensor)
    assert read[1].item() == 3.0


def test_estimators_survive(tmp_path):
    x = np.linspace(0, 1, 12)[:, None]
    process = GaussianProcessRegressor(Matern(nu=2.5) + WhiteKernel(0.1), optimizer=None)
    process.fit(x, x[:, 0] ** 2)
    read = through(tmp_path, {"one": process, "kernel": Matern()})
    np.testing.assert_array_equal(read["one"].predict(x), process.predict(x))
    assert read["kernel"] == Matern()


def test_surrogates_survive_inside_others(tmp_path):
    inner = Constant()
    inner.mean_ = 0.25
    read = through(tmp_path, [inner, {"deep": (Constant(),)}])
    assert type(read[0]) is Constant
    assert read[0].mean_ == 0.25
    assert type(read[1]["deep"][0]) is Constant


@pytest.mark.parametrize(
    "value",
    [object(), {1: 2}, {1, 2}, np.array([object()]), np.array(["2020"], "M8[D]"), 1j, len],
    ids=lambda v: type(v).__name__,
)
def test_other_values_are_refused_with_their_place(tmp_path, value):
    with pytest.raises(InvalidSurrogate, match=r"Constant\.value_\['here'\]"):
        through(tmp_path, {"here": value})
