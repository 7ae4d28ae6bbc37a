"""The audit log: who did what that matters to security, each entry chained to the one before by its hash."""
