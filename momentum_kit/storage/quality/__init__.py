"""What is wrong in an archive: checks of its series, and the report of what they found."""
