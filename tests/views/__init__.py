"""Views: what a person sees of a turn."""
