"""Against a real Ollama server with a tiny model of our own."""
