"""The pane of logs: lines, session, keys."""
