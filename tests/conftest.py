"""What all tests share: how long an example takes is no reason to fail, machines are busy."""

from hypothesis import settings

settings.register_profile("cfdyn", deadline=None)
settings.load_profile("cfdyn")
