"""Instance retrieval: vectors of images, a store that searches them, candidates, and ranking them again by presence."""
