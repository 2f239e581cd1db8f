"""What the parity tests share: seeded archive days, and a project of its own for each test."""
