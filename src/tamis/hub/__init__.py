"""Weights from the hub: by name, at one revision, with their SHA-256 and licence."""
