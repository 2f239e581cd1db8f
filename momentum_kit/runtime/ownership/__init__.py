"""Who owns an account on this machine: lock, token, latch, arming, heartbeat, and the guards before a start."""
