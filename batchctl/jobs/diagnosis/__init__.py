"""Why a job waits or failed: what AWS says, the likely cause, what to do."""
