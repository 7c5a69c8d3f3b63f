"""One member of each room of Shoestring, from another package: a file each, and a row each in ``pyproject.toml``."""
