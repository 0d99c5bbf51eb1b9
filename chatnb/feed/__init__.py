"""A session as front ends see it: `session` tells what happens in it, in one of the `forms`; `entries` are what is said.

`shown` and `drawing` say what has to change on a screen while an answer comes.
"""
