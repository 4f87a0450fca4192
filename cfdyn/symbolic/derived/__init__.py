"""Maps made of other maps: with angles, with parameters as states, beside their mirror image."""
