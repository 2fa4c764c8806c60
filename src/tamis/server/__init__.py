"""The annotator's server: a thin layer of HTTP over `tamis.annotation`."""
