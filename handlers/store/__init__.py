"""The job table: each kind of item has one module that reads and writes it."""
