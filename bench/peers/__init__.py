"""Ours beside its peers, in the same run: who is measured, how load is made, and how two are compared."""
