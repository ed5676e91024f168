"""The report of an evaluation: what steering did, in words, figures, films and tables."""
