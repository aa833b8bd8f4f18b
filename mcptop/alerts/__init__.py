"""What is wrong in a frame: conditions over services, host, sources and series. Pure; the only clock is the frame's."""
