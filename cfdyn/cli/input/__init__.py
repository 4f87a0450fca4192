"""The input of a command: options, names with options, numbers, the loss or map."""
