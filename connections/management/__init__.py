"""The commands of manage.py.

May use: syncing, data, operating, figures, checking, models, safe.
"""
