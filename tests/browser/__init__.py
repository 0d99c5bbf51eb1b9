"""Through a real JupyterLab in a real browser."""
