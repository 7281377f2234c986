"""Who reads the whole chain and wants to know which of it is about one person: what is there to read, what such a
reader tries, and the affairs of some years to read about."""
