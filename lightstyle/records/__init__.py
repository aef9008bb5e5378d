"""What is kept of a run: the record in its picture, and the checkpoint."""
