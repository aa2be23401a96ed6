"""SQL over many objects: what goes to the data, what stays here, and how the parts are joined."""
