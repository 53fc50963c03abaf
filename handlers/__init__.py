"""The Lambda functions: receiver (PUT a job), splitter (SQS to AWS Batch), api (GET jobs, results).

client -> receiver -> SQS -> splitter -> AWS Batch -> compute container -> table <- api <- client

What stands where: `record` and `universe` say what the table holds, `table`, `lease` and `results`
read and write it, `front_door` speaks HTTP for a load balancer and for API Gateway alike, `request`
validates a new job, `submission` submits Batch jobs exactly once, `progress` counts tasks and
`monitor` finds out how a job stands and records its end.
"""
