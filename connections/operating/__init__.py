"""What those who run the site need: probes, measures, what is thrown away, and sealing anew under another key.

May use: checking, access, models, safe.
"""
