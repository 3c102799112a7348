"""What the pages of a connection share: the part that moves while a sync runs, a check that goes on, and the outlook.

May use: checking, access, models, safe.
"""
