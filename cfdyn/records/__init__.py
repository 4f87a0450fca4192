"""Results as frozen records, their files, and tables of numbers as users have them."""
