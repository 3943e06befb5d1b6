"""transformers' CodeGen in a process of its own, for `peers.py`: a line of JSON in, a line of JSON out.

Imports nothing of ours: that would set how this process's threads wait for each other.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import torch
import transformers


def main() -> None:
    """The arguments are the checkpoint's folder and the number of threads."""
    checkpoint, n_threads = sys.argv[1:]
    torch.set_num_threads(int(n_threads))
    # On a processor that multiplies bfloat16, ten times as fast as float32.
    model = transformers.AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.bfloat16)
    model.eval()
    _say({"version": f"{transformers.__version__}, torch {torch.__version__}"})
    for line in sys.stdin:
        question = json.loads(line)
        with torch.inference_mode():
            _say({"n_tokens": _generate(model, **question)})


def _generate(model: Any, tokens: list[int], n_tokens: int, n_candidates: int) -> int:
    """How many tokens came, of all candidates: always as many as were asked for."""
    prompt = torch.tensor([tokens])
    drawn = {"do_sample": True, "temperature": 0.8, "num_return_sequences": n_candidates}
    answers = model.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        pad_token_id=0,
        min_new_tokens=n_tokens,
        max_new_tokens=n_tokens,
        **(drawn if n_candidates > 1 else {"do_sample": False}),
    )
    return int(answers[:, len(tokens) :].numel())


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
