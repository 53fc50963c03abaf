"""batchctl: run a function over a long list of items on AWS Batch, with nothing to operate."""

__version__ = "0.1.0"
