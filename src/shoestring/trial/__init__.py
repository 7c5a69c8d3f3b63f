"""What a worker needs besides the state of a program.

==========  ==========================================================
trial       what the training function is handed
lease       permission to train from one unit to another
events      the file in which a trial reports
checkpoint  states on disk, named by their hash
seeding     all random number generators, seeded, captured and restored
==========  ==========================================================
"""

from __future__ import annotations

from shoestring.trial.trial import Trial

__all__ = ["Trial"]
