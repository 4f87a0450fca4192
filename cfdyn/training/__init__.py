"""Training of networks beside their continuous-time models, in lock-step, in a folder that can be read, stopped and continued.

`train` runs; `Run` is what is in its folder.
"""
