"""What every report of a verdict says, whatever it looks like: words, symbols, and curves to draw. Pure."""
