"""The nouns of mcptop: plain frozen values. No I/O, no clock, no formatting.

Unknown is always `None`, never 0. Units stand in the names; ratios run from 0 to 1 (a busy host has
`cpu_ratio` 1.0; an instance over its quota has more), pressure (the kernel's PSI percentages) included.
"""
