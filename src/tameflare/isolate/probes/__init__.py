"""Every way out of `tf run` that `tf doctor --escape` tries, from inside. Standard library only; nothing is harmed.

A probe is open only where something outside noticed it, or where the kernel itself granted what it asked for. It says
what it tried and how that ended; it never says what it read.
"""
