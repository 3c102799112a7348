"""What the pages of a connection share: what moves while a sync runs, a check that goes on, the outlook, rows in words.

May use: checking, access, models, safe, templatetags.
"""
