"""What was annotated so far proposes the next masks: a model of the concept at hand, refitted after every mask."""
