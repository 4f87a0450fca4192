"""Results as frozen records, their files, and tables of numbers in common formats."""
