"""Ways into a conversation: invitations of people, and links."""
