"""An incident report for whoever takes over: what is wrong now, what happened, what was found and done. Pure."""
