"""What is drawn: lines, panels, tables, long pages."""
