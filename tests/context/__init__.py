"""References, and what they stand for."""
