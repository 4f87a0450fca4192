"""A watch in the loggers and trainers that people use: each file has one function, which imports its library when called.

>>> from cfdyn.watching import loggers
>>> loggers.names()
['lightning', 'tensorboard', 'transformers', 'wandb']
"""

from cfdyn.registry import open_catalogue

open_catalogue(__name__)
