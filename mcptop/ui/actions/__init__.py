"""What is done to whoever is selected: choosing, carrying out, a shell in it."""
