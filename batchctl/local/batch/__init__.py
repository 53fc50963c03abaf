"""AWS Batch, served on the user's own machine: its API, its state machines, its jobs.

A call comes in through `endpoint`, is read by `protocol` and answered by `service`. What Batch
keeps is in `environments`, `queues`, `definitions` and `jobs`; `scheduler` moves jobs on,
`attempt` runs one try of a job with an `executor`, and `account` is all that Batch asks of the
other AWS services. Everything is in memory.
"""
