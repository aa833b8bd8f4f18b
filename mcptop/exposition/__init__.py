"""What mcptop's figures are called as metrics of Prometheus, and how they are written. Knows the model only."""
