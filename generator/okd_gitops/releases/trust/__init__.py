"""Which release is genuine: signatures, keys, and where signatures are found."""
