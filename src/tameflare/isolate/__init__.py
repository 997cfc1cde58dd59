"""`tf run --isolate`: namespaces whose only way out is the proxy, and the probes that try them from inside."""
