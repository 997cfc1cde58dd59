"""A busy machine is no fault of an example: no deadlines for single examples."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
