"""Statistics: numbers in, numbers out; no file but one table, no clock, no trial.

================  ====================================================================================================
module            answers
================  ====================================================================================================
pair_test         what each test of paired differences offers
choose            which of the tests below a comparison gets
seqflip           are two arms different? exact for any distribution, 8 seeds or more (SEQ-FLIP)
tmix              the same if the differences are normal, from 3 seeds on (T-MIX); its thresholds: ``tmix_thresholds``
eprocess          the same without a horizon (sign-flip e-process)
blocks            the same if one arm is much cheaper and runs several times a seed
reserve           the same with one extension that was planned in advance
futility          is it still worth continuing?
equivalence       is the difference smaller than one that matters?
superiority       how often does A beat B? how often may a run crash that never did so far?
exaggeration      by how much does stopping early flatter the estimate?
winsor            the clipped mean that sign-flip tests speak of
inversion         from a test to a confidence interval
race              which of several arms is best?
picking           which of several arms would one bet on? no error rate, about a quarter of the full price
holm              several claims at once: which of them hold together?
confirmation      what to reserve to confirm a search's winner on fresh seeds
power             which difference would be found, with how many seeds?
expected_best     what would k trials have found?
iqm               one number for many tasks
capacity_bayes    what is the largest size still solved? right on average
capacity_strict   the same, proved from both sides with ``binomial``; sizes of both: ``size_grid``
scaling_law       how does a loss change with size, and what is it beyond? its curves: ``scaling_forms``
================  ====================================================================================================

All sequential answers hold at whatever moment one stops. What is measured about them is in ``docs/explanation/calibration.md``.
"""
