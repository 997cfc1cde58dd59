"""The control plane: API, services and store."""
