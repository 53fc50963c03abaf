"""The least IAM policy for whoever runs batchctl, from what the code declares that it calls.

- `statements`  what is granted for a purpose, with the stack's names in it
- `trust`       whom a role for a pipeline trusts
- `terraform`   both as Terraform has them
"""
