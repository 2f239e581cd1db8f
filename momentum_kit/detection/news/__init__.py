"""Reading the news, pure: from a raw headline to its story, its companies and its catalyst."""
