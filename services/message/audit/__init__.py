"""The audit log of the message service: whether it is as it was written. Other stores note there what they change."""
