"""Outbound connections, one package a service. They parse at the edge and know no rule."""
