"""mcptop's figures for Prometheus over HTTP."""
