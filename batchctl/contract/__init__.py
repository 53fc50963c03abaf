"""What the command line, the functions and the container agree on, each thing once.

Three programs share these modules: batchctl on the user's machine, the functions in AWS Lambda,
the runner in the compute container. They go into the functions' zip and into the image as they
are, so they import the standard library alone, and nothing else of batchctl.

- `statuses`      where a job or an item stands, and which of that is final
- `limits`        what a job may be: sizes, counts, the rule for a job_id
- `table`         the keys of the job table, and values in DynamoDB's form
- `job_options`   what a submission may ask for beside universe and parameters
- `fields`        attributes of items, read strictly
- `job_record`    the record of a job
- `result_record` how an item ended
- `progress`      how far a task is: a byte an item
- `retention`     how long a job and its items are kept
- `slices`        how the items of a run are cut into tasks
- `batch_jobs`    how a job is split into Batch jobs, their names, which task is where
- `reasons`       from what AWS Batch says of a failed task to a reason, its cause, and what to do
- `environment`   the environment variables of the functions and the container
- `control`       the requests that change a job: cancel, retry
- `timestamps`    points in time as texts
- `strict_json`   JSON as strictly as what reads it later needs it
"""
