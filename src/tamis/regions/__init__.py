"""The idea: an image as a map of regions and a matrix of the answers to every click there is."""
