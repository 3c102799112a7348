"""Coming in: passwords, codes and the second step by allauth, what is noted of each try, and confirming who it is.

May use: checking, access, models, safe.
"""
