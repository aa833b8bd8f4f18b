"""`python -m mcptop`."""

from mcptop.cli.main import main

main()
