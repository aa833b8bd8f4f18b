"""`python -m mcptop`."""

from mcptop.cli import main

main()
