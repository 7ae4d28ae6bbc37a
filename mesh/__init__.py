"""What joins the services: channels, identity, telemetry and events. Knows no service."""
