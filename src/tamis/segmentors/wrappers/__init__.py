"""Ways of using a segmentor: on tiles, on a close-up of the first answer, on several views of an image."""
