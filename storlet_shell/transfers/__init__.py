"""Transfers of local files and folders to and from the store: functions over a client."""
