"""The sub-commands of `tamis semantic`, one module each."""
