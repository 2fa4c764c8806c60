"""Results for people to look at: overlays, pages and small charts."""
