"""What a command was asked: options, names with options, numbers, the loss or map it is about."""
