"""Rate limits: how much of what anybody may do, kept by one table for all processes and all surfaces."""
