"""The stepper: three steps over one draft row, from a source to a connection.

May use: frame, checking, forms, access, models, safe.
"""
