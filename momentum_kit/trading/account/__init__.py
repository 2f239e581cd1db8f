"""What is held and what it earned, pure: fills to lots, positions and profit."""
