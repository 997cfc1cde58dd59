"""Policies: YAML read with every fault in its place, compiled and indexed, judged in three values, explained."""
