"""What runs jobs: the scheduler, attempts, executors, logs."""
