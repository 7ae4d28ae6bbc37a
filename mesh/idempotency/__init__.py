"""Idempotency keys: a call that is repeated with its key is answered as it was the first time, and does no more."""
