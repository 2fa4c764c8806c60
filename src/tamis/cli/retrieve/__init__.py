"""The sub-commands of `tamis retrieve`."""
