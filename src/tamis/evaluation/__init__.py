"""Numbers that can be trusted: datasets, protocols, statistics and reports."""
