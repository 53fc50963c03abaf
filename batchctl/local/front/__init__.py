"""What stands before the local cloud: refuses strangers, verifies signatures, passes the rest on."""
