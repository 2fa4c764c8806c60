"""SegNext: a plain vision transformer, encoded once, that clicks and the mask so far are added to."""
