"""Doubles of the vendors: small local servers that behave as the published descriptions say, for demo and tests.

Each module holds one vendor. A double checks the real credential and keeps a ledger of what reached it.
"""
