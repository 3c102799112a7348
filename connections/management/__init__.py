"""The commands of manage.py.

May use: syncing, data, operating, checking, models, safe.
"""
