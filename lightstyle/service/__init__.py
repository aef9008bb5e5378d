"""The HTTP service: a durable queue of jobs, and their pictures as they grow."""
