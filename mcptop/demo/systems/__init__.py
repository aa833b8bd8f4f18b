"""The guide's in-process systems (pools, queues, caches, batches, watches), corrected. Knows nothing of the dashboard."""
