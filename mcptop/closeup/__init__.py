"""A closer look at one service while somebody looks: its processes, sockets, files, and what it was started with."""
