"""A watch in the loggers and trainers that people use: a file has one function of its name, and imports its library when called.

>>> from cfdyn.watching import loggers
>>> loggers.names()
['lightning', 'tensorboard', 'transformers', 'wandb']
"""

from cfdyn.registry import open_catalogue

open_catalogue(__name__)
