"""Pictures of studies; all returns are net."""
