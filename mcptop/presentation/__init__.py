"""A frame as rows, labels and lines of styled text. Pure functions; knows neither a terminal nor a clock.

Used by the dashboard and by the commands that print. Colours are named by meaning (`warning`, `muted`);
what they look like is the reader's business.
"""
