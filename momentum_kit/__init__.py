"""momentum_kit: news-driven momentum trading at Interactive Brokers, from research to live."""
