"""Reading neurons: value vectors, the tokens they promote, concepts."""
