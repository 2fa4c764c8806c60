"""Models that turn an image into one that answers clicks."""
