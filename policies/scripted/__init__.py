"""The scripted expert: picks and places with privileged knowledge, at a chosen speed and height."""
