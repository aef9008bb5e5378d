"""Models: found, downloaded, verified."""
