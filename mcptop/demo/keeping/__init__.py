"""Starting a demo, keeping it alive, and ending it with whoever asked for it, whatever way that ends."""
