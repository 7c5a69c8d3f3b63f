"""The engine: one loop that turns a question, a budget and a runner into an answer, and what it keeps its books with.

============  =====================================================================
launch        builds strategy, runner, store and ledger for a question
study         the one loop: asks the strategy, starts leases, reads what is told
dispatcher    leases given and taken in
journal       what is known of each trial
ledger        what was reserved, settled and charged
spending      how a study may spend: budget, prices, grace, workers
manifest      what a run's folder already holds
identity      what a run trains, by the hashes of its pieces
sources       the pieces of source that a training function reaches
origin        where a run's folder was made
naming        what a study is called, and where its run lies
run           a stored run, read without disturbing its engine
verification  what a run beyond the fitted sizes would cost
============  =====================================================================
"""
