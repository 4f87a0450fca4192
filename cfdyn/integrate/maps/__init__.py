"""Maps made of flows: the next crossing of a section, the state a period later; both by integration, with their tangents."""
