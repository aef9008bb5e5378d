"""Work on other machines, by Ray: pictures of a batch, and bands of one picture."""
