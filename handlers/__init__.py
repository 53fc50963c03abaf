"""The Lambda functions: receiver, splitter, api, and tracker (the ends of jobs; cancel and retry).

client -> receiver -> SQS -> splitter -> AWS Batch -> compute container -> table <- api <- client
                                         AWS Batch -> EventBridge -> tracker -> table

Each has its entry point here: it reads an event, calls what `wiring` made, and answers. Their
modules keep their names: `up` changes a function's configuration, the handler's name included,
before its code, and a request that comes in between must find a module of that name.

`http` speaks HTTP with clients, `batch` submits and terminates Batch jobs, `tracking` finds out how
jobs stand and records their ends, `store` is the job table. What they agree on with the command
line and the container is `batchctl.contract`.
"""
