"""What lies beside the handlers in their zip, in place of libraries that nobody pins."""
