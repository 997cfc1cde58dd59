"""TameFlare governs what AI agents do to the outside world."""

__version__ = "0.1.0"
