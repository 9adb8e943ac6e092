"""Architectures as torch modules: the one place that builds, for every space."""

from nas.networks.classifier import Classifier
from nas.networks.initialise import initialise
from nas.networks.network import build
from nas.networks.saved import load_network, save_network

__all__ = ["Classifier", "build", "initialise", "load_network", "save_network"]
