"""Numbers that describe an architecture, from the architecture alone.

features = Features("auto").fit(architectures)
x = features.matrix(others)                     # (n, d), columns named by features.names
same = Features.from_state(features.state())    # plain values: what a surrogate keeps
"""

from surrogates.features.features import SETS, FeatureName, Features

__all__ = ["SETS", "FeatureName", "Features"]
