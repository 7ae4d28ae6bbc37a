"""The audit log of the user service: what admins read of it, and whether it is as it was written."""
