"""One run, from the pictures to the result."""
