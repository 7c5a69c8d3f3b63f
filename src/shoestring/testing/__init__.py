"""What a sampler, a scheduler, a runner or a database of your own must hold: checks that the ones of this package pass too.

Each check is a function of what makes the member, a runner's and a database's of an empty folder as well, and raises ``AssertionError`` if
a promise is broken:

    @pytest.mark.parametrize("check", SAMPLER_CHECKS)
    def test_my_sampler(check):
        check(MySampler)
"""

from __future__ import annotations

from shoestring.testing.runners import RUNNER_CHECKS
from shoestring.testing.samplers import SAMPLER_CHECKS
from shoestring.testing.schedulers import SCHEDULER_CHECKS
from shoestring.testing.stores import STORE_CHECKS

__all__ = ["RUNNER_CHECKS", "SAMPLER_CHECKS", "SCHEDULER_CHECKS", "STORE_CHECKS"]
