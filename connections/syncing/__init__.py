"""Pulling the data: what, how fast and when; the engine that runs syncs; and their history.

May use: frame, operating, figures, checking, forms, access, models, safe.
"""
