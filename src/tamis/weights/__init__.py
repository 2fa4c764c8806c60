"""Weights that ship with tamis; docs/models/ says where they come from."""
