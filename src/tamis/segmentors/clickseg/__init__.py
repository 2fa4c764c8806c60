"""RITM, SimpleClick and FocalClick: click-driven networks that look at image, mask so far and clicks together."""
