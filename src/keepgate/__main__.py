"""`python -m keepgate`."""

from keepgate.cli import main

main()
