"""The command line: thin over the library, one module for each sub-command."""
