"""LC-Net (Klein, Falkner, Springenberg, Hutter 2017): a Bayesian network over learning curves."""

from surrogates.bnn.surrogate import BNN

__all__ = ["BNN"]
