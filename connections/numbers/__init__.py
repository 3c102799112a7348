"""What people see of numbers: a connection's, their pictures, Home with what is pinned, and a sample to look around.

May use: figures, frame, checking, access, models, templatetags.
"""
