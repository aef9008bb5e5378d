"""What makes a picture: settings, their defaults, ranges and forms."""
