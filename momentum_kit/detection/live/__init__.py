"""One contract at a time, pure: tape, bars and baseline, features at a decision time, rules over them."""
