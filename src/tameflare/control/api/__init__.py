"""HTTP API of the control plane; the web framework lives here."""
