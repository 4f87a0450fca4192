"""``python -m cfdyn``: the command line."""

from cfdyn.cli import main

main()
