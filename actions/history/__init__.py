"""The actions over stored history."""
