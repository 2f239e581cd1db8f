"""The second service: news items are judged against the tape; signals and skips come out."""
