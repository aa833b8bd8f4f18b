"""One service looked at closely, as tables: processes, sockets, files, and what it was started with; pure."""
