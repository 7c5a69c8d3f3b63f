"""The peers, each driven by its own scheduler through ask and tell: ``run(meter, seed)`` goes on until the meter raises ``Spent``.

Recommended settings throughout: smallest resource 1, reduction factor 3, everything else as the peer ships it.
"""
