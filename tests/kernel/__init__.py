"""Through a real kernel, as a front end talks to it."""
