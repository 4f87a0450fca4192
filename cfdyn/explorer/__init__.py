"""The interactive page: one file of HTML with a map compiled for the reader's browser (`cf.live`, ``cfdyn explore``)."""
