"""From a file's bytes to upright 8-bit RGB: the one place that knows of headers, orientation and depth."""
