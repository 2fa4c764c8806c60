"""One image cut into any number of regions."""
