"""The scenario language: one YAML file describes a market day, its news, its broker and its faults."""
