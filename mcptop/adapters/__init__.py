"""What the metrics of known systems mean: one table a system, and who reads them."""
