"""Pure functions over series. No I/O, no clock."""
