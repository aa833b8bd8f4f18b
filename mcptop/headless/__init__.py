"""The commands that print and exit: text for people, JSON and CSV for programs. No Textual."""
