"""What stands before the local cloud: it refuses strangers, verifies signatures, and passes the rest on."""
