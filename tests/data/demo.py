"""An account, half written: `make demo` completes it at its last line."""


class Account:
    """The money of one owner."""

    def __init__(self, owner, balance=0):
        self.owner = owner
        
