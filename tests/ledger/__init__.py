"""The ledger of proofs: which Pythons were built and checked, at which step keys, and whether that still holds.

`subjects` says what is to be proven, `checks` by what, `proofs` what was shown.  `plans` makes today's step keys,
`states` compares, `history` finds the commit that made a proof stale, `build` and `prove` do the work, `table` prints.
"""
