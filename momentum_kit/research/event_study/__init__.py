"""How price, volume and spread move around headlines, and what a buyer would have netted."""
