"""Training of the strong click tools: recipes, the sampler of objects and clicks, and the loop by epochs."""
