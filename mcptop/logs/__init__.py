"""Lines of logs: what they say, kept within bounds, merged by time, filtered and searched."""
