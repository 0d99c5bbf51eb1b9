"""The panel's own code: its types, its style, and its states, without a page."""
