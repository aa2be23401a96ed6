"""Bodies and tables for people to look at: decoded, and as HTML, Markdown, and plain text."""
