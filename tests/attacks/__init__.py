"""What a model and those whose text it reads may try with tools."""
