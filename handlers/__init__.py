"""The Lambda functions: receiver, splitter, api, and tracker (the ends of jobs; cancel and retry).

client -> receiver -> SQS -> splitter -> AWS Batch -> compute container -> table <- api <- client
                                         AWS Batch -> EventBridge -> tracker -> table

What stands where: `record` and `universe` say what the table holds, `table`, `lease`, `claim`,
`results` and `reclaims` read and write it, `malformed` reads items that anybody may have written,
`keeping` says when they go. `front_door` speaks HTTP for a load balancer and for API Gateway alike,
`request` validates a new job, `submission` submits Batch jobs exactly once,
`progress` counts tasks and `monitor` finds out how a job stands and records its end.
`tracking` takes in Batch's events, `reasons` says why a task failed and `explaining` records it;
`commands`, `cancelling`, `retrying` and `stopping` do what people ask of a job.
"""
