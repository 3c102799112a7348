"""Who somebody is and what they may reach: the way from an address to a row, the refusals, and two-step login.

May use: models, safe, templatetags.
"""
