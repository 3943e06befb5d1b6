"""Commands, through the real server, the embedded model and the real protocol: a file a kind of wish."""
