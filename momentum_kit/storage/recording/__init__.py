"""What a session received: written down as it came, and turned into archive rows afterwards."""
