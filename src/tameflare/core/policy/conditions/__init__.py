"""Operators, a file per family. Each makes a check of a field's key and the value that it is compared with.

Negative operators are their positives negated: an absent field makes a positive false, so its negative is true, and
what cannot be read is an error to both.
"""
