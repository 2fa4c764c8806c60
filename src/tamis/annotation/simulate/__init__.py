"""An annotator of known tastes and prices, with whom ways of annotating a dataset are compared."""
