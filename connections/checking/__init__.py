"""Whether a key works: asking the account, counting who asks, writing down what came of it, and telling people.

May use: models, safe, templatetags.
"""
