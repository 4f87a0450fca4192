"""The commands of ``cfdyn``: ``NAME.py`` defines the function ``NAME``, and nothing else lists it.

Its docstring and options are what ``cfdyn NAME --help`` shows. A file imports heavy modules only inside its functions, since the
list of commands has to read all files.
"""
