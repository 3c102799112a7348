"""What is stored so that nobody can read it: sealing and opening, and the database column that holds what is sealed.

May use: nothing here.
"""
