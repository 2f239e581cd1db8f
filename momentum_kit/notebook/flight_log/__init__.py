"""The flight log of a session, section by section."""
