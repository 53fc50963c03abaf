"""MiniStack, and what is added to it or replaced in it; nothing else knows its insides."""
