"""Threads beside the server: all of them are told to end before it ends."""

from threading import Thread

PATIENCE = 10.0
"""Seconds that a thread has for the work at hand."""


def wait_for(*threads: Thread) -> None:
    """Wait for threads that have been told to end; there is nothing to wait for in those that never began."""
    for thread in threads:
        if thread.is_alive():
            thread.join(PATIENCE)
