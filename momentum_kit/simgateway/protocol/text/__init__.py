"""Messages and requests as text fields, in the field order of the official client."""
