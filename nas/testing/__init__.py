"""Contract suites: what every implementation of an extension point must keep to.

Subclass one in a test module, give it its fixture, and pytest runs the whole suite:

    import pytest
    from nas.testing import SurrogateContract
    from my_surrogate import Mine

    class TestMine(SurrogateContract):
        @pytest.fixture
        def surrogate(self):
            return Mine()
"""

import pytest

pytest.register_assert_rewrite(*(f"{__name__}.{each}" for each in ("evaluators", "proposers")))
pytest.register_assert_rewrite(*(f"{__name__}.{each}" for each in ("spaces", "surrogates")))

from nas.testing.evaluators import EvaluatorContract  # noqa: E402
from nas.testing.proposers import ProposerContract  # noqa: E402
from nas.testing.spaces import SpaceContract  # noqa: E402
from nas.testing.surrogates import SurrogateContract  # noqa: E402
from nas.testing.toy import ToySpace, toy_corpus  # noqa: E402

__all__ = [
    "EvaluatorContract",
    "ProposerContract",
    "SpaceContract",
    "SurrogateContract",
    "ToySpace",
    "toy_corpus",
]
