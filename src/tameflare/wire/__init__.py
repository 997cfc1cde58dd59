"""Sans-I/O: bytes to messages and back."""
