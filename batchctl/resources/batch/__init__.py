"""Batch: compute environments, job queues, job definitions."""
