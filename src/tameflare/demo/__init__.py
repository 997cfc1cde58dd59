"""`tf demo`: the whole product against local doubles of the vendors."""
