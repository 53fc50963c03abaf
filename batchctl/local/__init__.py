"""The local cloud: AWS on the user's own machine, with AWS Batch served for real."""
