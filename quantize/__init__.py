"""From a published CodeGen checkpoint to a GGUF file that a laptop runs."""
