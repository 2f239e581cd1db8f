"""The live-control panel."""
