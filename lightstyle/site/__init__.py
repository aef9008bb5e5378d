"""The page as a site of its own, which paints in the browser."""
