import sys
from itertools import islice

import pytest
import toys

from nas.core.errors import InvalidOption
from nas.core.limits import Limits
from nas.studies import stream
from nas.studies.stream import proposal_seed, training_seed


def first(n, space=None, seed=0, limits=None):
    return list(islice(stream(space or toys.ToySpace(), seed, limits), n))


def test_the_stream_is_distinct_and_numbered():
    sampled = first(40)
    assert len({s.architecture.key for s in sampled}) == 40
    assert [s.index for s in sampled] == list(range(40))


def test_the_same_seed_gives_the_same_stream_and_another_gives_another():
    assert first(20) == first(20)
    assert first(20) != first(20, seed=1)


def test_decisions_make_the_architecture_again():
    for sampled in first(5):
        assert sampled.decisions["width"] in sampled.options["width"]
        assert sampled.architecture.blocks[0][0].width == sampled.decisions["width"]


def test_networks_that_compute_the_same_come_once():
    kinds = toys.ToySpace(kinds=("a", "b", "c"))
    assert len({s.architecture.key for s in first(40, kinds)}) == 40


def test_limits_hold_and_indices_count_what_is_within():
    limits = Limits(max_params=200)
    sampled = first(10, limits=limits)
    assert all(limits.allow(s.architecture) for s in sampled)
    assert [s.index for s in sampled] == list(range(10))
    within = [s.architecture for s in first(40) if limits.allow(s.architecture)]
    assert [s.architecture for s in sampled] == within[:10]


def test_an_exhausted_space_says_so(monkeypatch):
    monkeypatch.setattr(sys.modules["nas.studies.stream"], "PATIENCE", 500)
    with pytest.raises(InvalidOption, match="nothing new behind the first 40"):
        first(41)
    with pytest.raises(InvalidOption, match=r"behind the first 0 \(max_params 1\);"):
        first(1, limits=Limits(max_params=1))


def test_a_negative_seed_is_refused():
    with pytest.raises(InvalidOption, match="seed must be"):
        first(1, seed=-1)


def test_training_seeds_differ_by_seed_index_and_origin():
    seeds = [training_seed(s, i) for s in range(3) for i in range(50)]
    seeds += [proposal_seed(s, f"{i:016x}") for s in range(3) for i in range(50)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**32 for seed in seeds)
