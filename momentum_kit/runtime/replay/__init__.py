"""A recorded day through the very same services, in virtual time or over the wire."""
