"""The servers that ours is measured against, as small as their documentation shows them."""
