"""What a question carries along: cells, variables, files and earlier sessions, named by references."""
