"""Saving and loading of surrogates without pickling.

A saved surrogate is a folder:

    surrogate.json              format, class path, constructor arguments, learned state
    state-0123456789abcdef/     what does not fit into JSON; absent where everything does
        arrays.safetensors          arrays and tensors
        0.skops, 1.skops, ...       scikit-learn estimators

`surrogate.json` names its state folder and is replaced by one rename, so at any moment the folder
holds one whole surrogate: the old one or the new one. Other files in it are left alone.

Loading imports modules of `nas`, `surrogates`, `search_spaces` and of trusted packages only, calls
nothing but subclasses of the class it is asked for, and never unpickles.
"""

from nas.persistence.classes import OWN_PACKAGES
from nas.persistence.folder import load, save

__all__ = ["OWN_PACKAGES", "load", "save"]
