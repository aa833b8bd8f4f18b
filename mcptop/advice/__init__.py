"""Which limits, reservations and numbers of replicas what was observed calls for. Pure: no I/O, no clock."""
