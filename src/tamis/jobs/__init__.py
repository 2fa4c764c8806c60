"""What the commands do to many images: masks, partitions, mosaics, the demo."""
