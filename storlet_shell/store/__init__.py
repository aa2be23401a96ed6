"""What the object store holds: functions over a client, which never ask, print or read a stream of the user's."""
