"""Steps from one schema of `tameflare.db` to the next; `store/migrate.py` runs them.

A step says with `op` what changes, and never looks at today's tables: those go on changing. It only adds (old code must
run on the new schema); what is no longer used goes in a later release. A test holds the tables against the steps.
"""
