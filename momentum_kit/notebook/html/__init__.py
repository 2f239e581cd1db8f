"""Markup for people: escaped once, styled by the notebook's theme."""
