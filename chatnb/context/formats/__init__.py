"""What files of tables and records hold, from the part of them that was read: pure functions of text."""
