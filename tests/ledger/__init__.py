"""The ledger of proofs: which Pythons were built and checked, at which step keys, and whether the proofs are still current.

`subjects` lists the builds to prove, `checks` defines how, and `proofs` stores the results.  `plans` computes today's step
keys, `states` compares them with the proofs, and `history` finds the commit that made a proof stale.  `build` and `prove`
do the work, `tally` counts test results, and `table` writes the tables in the documentation.
"""
