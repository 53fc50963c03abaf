"""What AWS Batch knows: environments, queues, definitions, jobs and their rules."""
