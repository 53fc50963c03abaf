"""The resource kinds: one file per AWS service, named as boto3 names it, a class per kind."""
