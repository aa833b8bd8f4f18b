"""Telling somebody of an alert: terminal, command, webhook."""
