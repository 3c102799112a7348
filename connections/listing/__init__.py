"""The lists of connections: all that I may use, or those of one source, narrowed by filters.

May use: frame, access, models.
"""
