"""Starts, finds and stops the local cloud, from the command line's side."""
