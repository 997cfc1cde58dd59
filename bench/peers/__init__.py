"""What others cost on the same machine in the same run: `make bench-peers`. See docs/performance.md."""
