"""What the differential fuzz of the sanitiser is made of."""
