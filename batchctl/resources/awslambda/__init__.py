"""Lambda: functions, what invokes them, what becomes of failed events."""
