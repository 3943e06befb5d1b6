"""A language server that completes code offline with CodeGen models on llama.cpp."""

__version__ = "0.1.0"
