"""llama.cpp's own server with the tiny model, from the wheel of xllamacpp."""
