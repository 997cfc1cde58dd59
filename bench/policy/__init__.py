"""Ours against other policy engines, on the same rules: `python -m bench.policy`."""
