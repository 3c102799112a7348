"""How moments, cells and reasons read in a template. Django looks for them here.

May use: nothing here.
"""
