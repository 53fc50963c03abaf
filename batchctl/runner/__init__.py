"""The compute container's main program: it reads a task's items, calls compute.py, records results.

It goes into the image together with `batchctl.contract`, and imports the standard library, boto3
and that contract alone. In the image this file stands for the package `batchctl` as well.
"""
