"""The panel's front end alone: the very panel.js in a real browser, with a kernel that plays from fixtures."""
