"""Maps made of flows: the next crossing of a section, or the state after a period; both by integration, with their tangents."""
