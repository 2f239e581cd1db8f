"""Answers to a client's requests, a module a topic."""
