"""What rows come to: numbers counted by days, kept, read for a period, and held against what the account says.

May use: checking, models, safe, templatetags.
"""
