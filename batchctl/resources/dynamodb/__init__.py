"""DynamoDB: the table of jobs and results."""
