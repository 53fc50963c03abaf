"""AWS as it is: session, typed clients, retries, waiting, tags, partitions.

Knows boto3, no resource.
"""
