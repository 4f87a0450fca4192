"""The commands of ``cfdyn``: ``NAME.py`` defines the function ``NAME``, and nothing else lists it.

Its docstring and options are what ``cfdyn NAME --help`` shows. A file imports what is heavy only inside its functions: the list
of commands needs to read all of them.
"""
