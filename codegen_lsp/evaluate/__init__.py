"""What measures all this: the engine against bare llama.cpp and against others that run the same weights
(`bench.py`), and what a person gets from it who types (`replay.py`)."""
