"""The processes of tasks on this machine: how one starts, what it has to itself, how it all ends.

    fork_server   a process that has boto3 and the runner loaded, and forks for each task
    keeper        the process above a task: all that the task starts ends with it
    keeping       the cloud's side of both
    direct        the same without them, where there is no Linux
    folders       a task's own working directory and temporary folder
    descendants   what Linux says of the processes below another

`fork_server` and `keeper` run in the user's Python: they import Python's own modules alone.
"""
