"""What is shown of a plan, a run, a job, a status."""
