"""Objects of one image with its mask, found, segmented or missed in others; instance retrieval."""
