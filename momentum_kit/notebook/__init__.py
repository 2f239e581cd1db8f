"""The faces in Jupyter: kit, panel, views."""
