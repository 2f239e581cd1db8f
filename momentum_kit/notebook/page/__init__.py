"""The page without Jupyter: what the panel shows, for a browser on a desk or a phone; it can only reduce risk."""

from momentum_kit.notebook.page.logins import page_token
from momentum_kit.notebook.page.page import PageServer, serve_page
from momentum_kit.notebook.page.page_address import PageAddress

__all__ = ["PageAddress", "PageServer", "page_token", "serve_page"]
