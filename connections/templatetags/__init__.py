"""How moments, cells, reasons and what others typed read in a template. Django looks for them here.

May use: nothing here.
"""
