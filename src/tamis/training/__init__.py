"""Training of the model in the box: needs the extra `train` (torch)."""
