"""Talk to the outside and return plain data. Each source can be pointed at another root or address."""
