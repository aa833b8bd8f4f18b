"""The dashboard in a browser of the same machine: one process for each visitor, read-only."""
