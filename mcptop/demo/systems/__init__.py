"""The guide's systems inside a process (pools, queues, caches, batches, watches), corrected, without the dashboard."""
