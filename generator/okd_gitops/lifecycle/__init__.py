"""How repositories begin: init, import."""
