"""What the pages of a connection share: the part that moves while a sync runs, and the outlook on calls and minutes.

May use: checking, access, models.
"""
