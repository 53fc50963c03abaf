"""Before the local cloud: strangers are refused, signatures verified, the rest passed on."""
