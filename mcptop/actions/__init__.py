"""Acts on containers and host processes: what is offered, its equivalent command, carrying it out. Draws nothing."""
