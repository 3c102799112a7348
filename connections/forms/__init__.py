"""What several rooms' forms share: their fields, a connection's details and credentials, and edits that meet.

May use: models, safe.
"""
