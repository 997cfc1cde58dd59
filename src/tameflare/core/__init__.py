"""Pure values and rules: no clock, no randomness, no socket, no SQL, no log."""
