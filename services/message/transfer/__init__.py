"""Moving messages in and out."""
