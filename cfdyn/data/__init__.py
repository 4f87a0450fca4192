"""Data sets for training: real tables and pictures, and synthetic tasks; one file each, ``cf.data.NAME(…)``.

>>> import cfdyn as cf
>>> rows = cf.data.digits(classes=4, n=200)
>>> rows.inputs.shape, rows.targets.shape, rows.title
((200, 1, 8, 8), (200, 4), 'digits:classes=4,n=200')
"""

from cfdyn.registry import open_catalogue

open_catalogue(__name__)
