"""The same messages and requests in protobuf, from the server version that switched each over."""
