"""Operations on the object store: functions over a client, which never prompt, print, or read the user's streams."""
