"""Where formulas change their branch: is the map continuous there, and what are its slopes?"""
