"""Orders, pure: bracket legs, the life of an order, and protection equal to the position."""
