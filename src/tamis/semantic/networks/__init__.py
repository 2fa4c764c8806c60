"""Networks that give every pixel a class: backbones, decoders, losses, weights."""
