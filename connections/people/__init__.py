"""The people of a workspace: members and roles, teams, what happens when somebody leaves, and the trail.

May use: frame, login, forms, access, models, safe.
"""
