"""The plots of a report, one a file; each function returns a ``Plot``, or None where there is nothing to draw.

===========  ==========================================================
budget       where the budget went, by outcome
progress     the best so far, and the expected best of fewer trials
curves       learning curves
importance   what each parameter of a search accounts for
slices       each parameter against the metric
parallel     all parameters of all trials at once
arms         the results of the arms of a comparison, seed by seed
differences  paired differences, with their interval
evidence     estimate, interval and p-value after each seed
law          results by size, fitted forms and their envelope
capacity     the search for the largest size that is still solved
===========  ==========================================================
"""
