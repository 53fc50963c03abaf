"""The HTTP API from the client's side: one request, one job, pages of results."""
