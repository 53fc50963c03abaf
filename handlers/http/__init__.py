"""The HTTP API: the front door, a new job as it comes in, jobs as clients see them."""
