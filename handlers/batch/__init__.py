"""AWS Batch jobs of a job: submitted exactly once under a lease, terminated on cancel."""
