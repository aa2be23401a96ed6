"""Results on the page of a notebook: as HTML and Markdown, and as plain text for an IPython terminal."""
