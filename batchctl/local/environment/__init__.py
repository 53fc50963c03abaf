"""The Python environment that the local cloud runs in, apart from the user's.

MiniStack pins botocore exactly, and whoever installs batchctl may need a newer boto3. So the two
are installed into an environment of their own, once for all projects of a user. `choice` says which
environment to use, `installation` makes it, `launch` runs batchctl in it.
"""
