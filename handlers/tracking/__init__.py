"""How jobs go on and end: events of AWS Batch, counts, failures, cancel and retry."""
