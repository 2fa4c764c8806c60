"""A network of one concept, trained on a whole dataset: what annotation with a model in the loop is held against."""
