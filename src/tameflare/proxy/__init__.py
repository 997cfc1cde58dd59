"""The data plane: sockets live here."""
