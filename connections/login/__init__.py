"""Coming in: passwords, codes and the second step by allauth, what is noted of each try, and confirming that it is them.

May use: access, models, safe.
"""
