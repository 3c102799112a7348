"""What was pulled: the streams, their rows, and files of them.

May use: frame, access, models, safe, templatetags.
"""
