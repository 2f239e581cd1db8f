"""IB's wire protocol as the gateway's side speaks it: frames, requests in, messages out."""
