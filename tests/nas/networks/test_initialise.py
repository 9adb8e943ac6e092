import torch
from torch import nn

from nas.networks import initialise


def network():
    return nn.Sequential(
        nn.Conv2d(32, 64, 3), nn.BatchNorm2d(64), nn.Conv2d(64, 8, 1), nn.Linear(400, 300)
    )


def weights(module, seed):
    initialise(module, seed)
    return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])


def test_the_seed_decides():
    assert torch.equal(weights(network(), 3), weights(network(), 3))
    assert not torch.equal(weights(network(), 3), weights(network(), 4))


def test_the_global_random_numbers_stay_as_they_were():
    module, before = network(), torch.get_rng_state()
    initialise(module, 0)
    assert torch.equal(torch.get_rng_state(), before)


def test_weights_are_he_normal_and_biases_zero():
    module = network()
    initialise(module, 0)
    conv, norm, _, linear = module
    assert abs(conv.weight.std().item() / (2 / (32 * 9)) ** 0.5 - 1) < 0.02
    assert abs(linear.weight.std().item() / (2 / 400) ** 0.5 - 1) < 0.02
    assert not conv.bias.any() and not linear.bias.any() and not norm.bias.any()
    assert (norm.weight == 1).all()


def test_depthwise_weights_count_their_own_window_only():
    conv = nn.Conv2d(512, 512, 5, groups=512)
    initialise(conv, 0)
    assert abs(conv.weight.std().item() / (2 / 25) ** 0.5 - 1) < 0.02
