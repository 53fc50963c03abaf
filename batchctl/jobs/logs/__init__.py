"""What the tasks of a job wrote, across their attempts."""
