"""The ibapi side of the bridge: socket, client, callbacks, and the values they queue for the loop."""
