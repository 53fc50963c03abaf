"""AWS Batch's API, served: requests, answers, permissions, pages, tags."""
