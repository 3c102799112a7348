"""A connection over its years: its page, editing it, its standby key, and testing, pausing and deleting it.

May use: frame, login, checking, forms, access, models, safe.
"""
