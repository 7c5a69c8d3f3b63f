"""``python -m shoestring``: the command line."""

from shoestring.cli import main

main()
