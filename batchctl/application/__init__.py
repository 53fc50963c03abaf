"""Opens an application and answers for it."""
