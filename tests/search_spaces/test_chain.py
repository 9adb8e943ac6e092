"""The block space keeps the paper's law exactly."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import chisquare

from nas.core.choices import Draw
from search_spaces import BlockSpace
from search_spaces.block.chain import TRANSITIONS, TYPES, next_weights, survival
from search_spaces.block.space import CONV_KERNELS, POOL_KERNELS, RATIOS

MAX_CONVS = 3


def test_rows_of_the_matrix_sum_to_one():
    for row in TRANSITIONS.values():
        assert sum(row) == pytest.approx(1)
    assert survival(9, 2, "conv") == pytest.approx(0.47, abs=0.01)  # of 10 layers


def law(length):
    """Transition probabilities given at most 3 convolutions, by forward and backward passes.

    Independent of the recursion under test: works on the joint law of (type, convolutions so far)
    of the unconditioned chain. Returns expected counts [now, next] for one block.
    """
    matrix = np.array([TRANSITIONS[now] for now in TYPES])
    states = [(t, c) for t in range(len(TYPES)) for c in range(length + 1)]
    place = {state: i for i, state in enumerate(states)}
    step = np.zeros((len(states), len(states)))
    for (t, c), i in place.items():
        for u in range(len(TYPES)):
            if (u, c + (u == 0)) in place:
                step[i, place[u, c + (u == 0)]] = matrix[t, u]
    start = np.zeros(len(states))
    start[place[0, 1]] = 1.0
    good = np.array([c <= MAX_CONVS for _, c in states], float)
    expected = np.zeros((len(TYPES), len(TYPES)))
    forward = [start @ np.linalg.matrix_power(step, k) for k in range(length)]
    backward = [np.linalg.matrix_power(step, length - 1 - k) @ good for k in range(length)]
    total = forward[-1] @ good
    for k in range(length - 1):
        joint = forward[k][:, None] * step * backward[k + 1][None, :] / total
        for (t, _), i in place.items():
            for (u, _), j in place.items():
                expected[t, u] += joint[i, j]
    return expected


def types_of(block):
    return [layer.op for layer in block if layer.op != "batch_norm"]


def check_blocks(number):
    space, rng = BlockSpace(), np.random.default_rng(0)
    counts = {length: np.zeros((len(TYPES), len(TYPES))) for length in range(3, 11)}
    lengths, normed, kernels, pools, ratios = Counter(), Counter(), Counter(), Counter(), Counter()
    for _ in range(number):
        choose = Draw(rng)
        (block,) = space.generate(choose).blocks
        chain = types_of(block)
        assert chain[0] == "conv"
        assert 3 <= len(chain) <= 10
        assert chain.count("conv") < 4
        lengths[len(chain)] += 1
        for now, then in pairwise(chain):
            counts[len(chain)][TYPES.index(now), TYPES.index(then)] += 1
        for layer, behind in zip(block, (*block[1:], None), strict=True):
            if layer.op == "conv":
                assert layer.kernel[0] in CONV_KERNELS and layer.kernel[1] in CONV_KERNELS
                normed[behind is not None and behind.op == "batch_norm"] += 1
                kernels[layer.kernel] += 1
                ratios[layer.ratio] += 1
            elif layer.op == "batch_norm":
                continue
            elif layer.op.endswith("pool"):
                assert layer.kernel[0] in POOL_KERNELS and layer.kernel[1] in POOL_KERNELS
                assert layer.stride == 1
                pools[layer.kernel] += 1
            else:
                assert layer.kernel == (1, 1)
    return counts, lengths, normed, kernels, pools, ratios


@pytest.mark.parametrize(
    "number", [5_000, pytest.param(100_000, marks=pytest.mark.slow)], ids=["5k", "100k"]
)
def test_sampled_blocks_match_the_conditioned_chain(number):
    counts, lengths, normed, kernels, pools, ratios = check_blocks(number)
    expected = {length: lengths[length] * law(length) for length in counts}
    for row, now in enumerate(TYPES):
        seen = sum(c[row] for c in counts.values())
        hoped = sum(e[row] for e in expected.values())
        possible = hoped > 0
        assert seen[~possible].sum() == 0, now
        scaled = hoped[possible] * seen.sum() / hoped.sum()
        assert chisquare(seen[possible], scaled).pvalue > 0.001, now
    for uniform in (lengths, kernels, pools, ratios):
        assert chisquare(list(uniform.values())).pvalue > 0.001
    assert (len(lengths), len(kernels), len(pools), len(ratios)) == (8, 25, 16, len(RATIOS))
    convs = normed.total()
    assert chisquare([normed[True], normed[False]], [0.6 * convs, 0.4 * convs]).pvalue > 0.001


def test_no_step_can_lead_into_a_dead_end():
    for left in range(1, 10):
        for convs in range(MAX_CONVS):
            for now in TYPES:
                options, weights = next_weights(left, convs, now)
                assert options and all(weight > 0 for weight in weights)
                assert ("conv" in options) == (convs > 0)
