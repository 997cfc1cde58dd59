"""Steps from one schema of the database to the next; `store/migrate.py` runs them, on SQLite and on PostgreSQL.

A step says with `op` what changes, and never looks at today's tables: those go on changing. Those of `versions` only
add (old code must run on the new schema; tests try it); what is no longer used goes in a later release, in `post`. A
test holds the tables against the steps.
"""
