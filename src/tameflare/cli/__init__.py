"""The command line `tf`: one file per command."""
