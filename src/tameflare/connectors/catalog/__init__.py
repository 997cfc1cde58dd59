"""Route tables, one file per vendor."""
