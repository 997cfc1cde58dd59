"""What TameFlare costs: `make bench`. See docs/performance.md."""
