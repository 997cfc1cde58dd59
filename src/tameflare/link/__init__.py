"""Messages between proxy and control plane, used by both sides."""
