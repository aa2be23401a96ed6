"""Who the user is: where an identity comes from, and the login that a session shares."""
