"""Steps that take away what no code uses any more: run once every server is new (`tf db upgrade --phase post`)."""
