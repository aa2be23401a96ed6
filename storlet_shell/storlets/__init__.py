"""What a storlet is before it is deployed: its source or jar, what is wrong with it, and how it is tried here."""
