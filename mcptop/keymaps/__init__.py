"""Keys by name: how they are written in the configuration, and the tables for habits from other tools.

Knows neither which actions there are nor Textual; who draws the screen holds the names against its bindings.
"""
