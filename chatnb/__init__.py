"""Chat with a language model from inside the notebook."""
