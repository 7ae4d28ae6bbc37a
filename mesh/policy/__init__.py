"""What may be called by whom, how long it may take and what it must look like: read from the contracts."""
