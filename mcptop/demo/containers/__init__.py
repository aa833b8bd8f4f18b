"""The demo as containers: its image, its Compose project, its limits, and what stands beside it."""
