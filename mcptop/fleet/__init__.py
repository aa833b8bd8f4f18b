"""Services of many machines, read back from a Prometheus server, as snapshots."""
