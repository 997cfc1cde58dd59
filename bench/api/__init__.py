"""The decision API measured: decisions a second, how long one takes under load, what a key costs."""
