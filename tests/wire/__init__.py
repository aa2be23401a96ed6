"""Requests and answers; the text files record what each command sends."""
