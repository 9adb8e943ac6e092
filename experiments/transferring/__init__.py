"""`nas transfer`: from the best block to a network of ImageNet's size."""

from experiments.transferring.verb import transfer

__all__ = ["transfer"]
