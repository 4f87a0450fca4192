"""Training of networks together with continuous-time models, step by step, in a folder that can be read, interrupted and
resumed.

`train` runs a training; `Run` reads its folder.
"""
