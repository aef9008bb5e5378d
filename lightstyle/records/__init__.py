"""Keeps what is known of a run: the record in its image, and its checkpoint."""
