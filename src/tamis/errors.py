"""What can go wrong for a user, each as one sentence that names the value and the way out."""


class TamisError(Exception):
    """Any problem whose message is meant for the person at the keyboard; the command line exits with code 2."""


class InputError(TamisError, ValueError):
    """A file, click or option that cannot be used as given."""


class OutputError(TamisError, OSError):
    """A result that could not be written; whatever stood there before is untouched."""


class NameTooLongError(OutputError):
    """One result whose name the disk does not take; others may well be written."""


class UnavailableError(TamisError, RuntimeError):
    """Something that exists but is not installed here; the message holds the command that installs it."""
