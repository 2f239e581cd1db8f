"""Pure: from a signal to a sized bracket, its lifecycle, fills, costs and profit."""
