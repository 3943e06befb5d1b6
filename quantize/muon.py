"""Muon: momentum whose update is made orthogonal, for the matrices of a model's blocks.

Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks". On the same text it
needs about two thirds of AdamW's steps; it is only for matrices, so AdamW does the rest.
"""

from __future__ import annotations

from typing import Any

import torch

from quantize.network import MP_NUM, CodeGen

MOMENTUM = 0.95
WEIGHT_DECAY = 0.05  # decoupled: a part of the rate, as in AdamW

N_NEWTON_SCHULZ = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the iteration's polynomial, from the paper's code: chosen for speed over precision."""


class Muon:
    """Updates the matrices of a model's blocks in place. `momenta` is its state."""

    def __init__(self, model: CodeGen) -> None:
        self.matrices = [p for p in model.transformer.h.parameters() if p.ndim == 2]
        self.momenta = [torch.zeros_like(matrix) for matrix in self.matrices]

    def step(self, rate: float) -> None:
        """Take one step along the gradients that the matrices hold."""
        with torch.no_grad():
            stacks = []
            for matrix, momentum in zip(self.matrices, self.momenta, strict=True):
                momentum.lerp_(matrix.grad, 1 - MOMENTUM)
                stacks.append(as_stack(matrix.grad.lerp(momentum, MOMENTUM)))  # Nesterov's
            for matrix, stack in zip(self.matrices, _all_orthogonal(stacks), strict=True):
                matrix.mul_(1 - rate * WEIGHT_DECAY)
                matrix.add_(from_stack(stack, matrix), alpha=-rate * _scale(matrix))


def as_stack(matrix: Any) -> Any:
    """A matrix as (n, rows, columns) with rows <= columns: a tall one turned, and Q, V and K apart,
    which are three matrices that happen to be stored in one."""
    n_rows, n_columns = matrix.shape
    if n_rows == 3 * n_columns:
        blocks = matrix.view(MP_NUM, 3, n_columns // MP_NUM, n_columns)
        return blocks.transpose(0, 1).reshape(3, n_columns, n_columns)
    return (matrix.mT if n_rows > n_columns else matrix).unsqueeze(0)


def from_stack(stack: Any, like: Any) -> Any:
    """The inverse of `as_stack`."""
    n_rows, n_columns = like.shape
    if len(stack) == 3:
        blocks = stack.view(3, MP_NUM, n_columns // MP_NUM, n_columns)
        return blocks.transpose(0, 1).reshape(n_rows, n_columns)
    return stack[0].mT if n_rows > n_columns else stack[0]


def orthogonal(stack: Any) -> Any:
    """Bring all singular values near 1, keeping the singular vectors; (n, rows, columns).

    Newton and Schulz's iteration; bfloat16 is precise enough for it.
    """
    a, b, c = COEFFICIENTS
    x = stack.bfloat16()
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(N_NEWTON_SCHULZ):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.to(stack.dtype)


def _all_orthogonal(stacks: list[Any]) -> list[Any]:
    """`orthogonal` of each; those of one shape together, as few large products are faster."""
    results = list(stacks)
    for shape in {stack.shape[1:] for stack in stacks}:
        chosen = [i for i, stack in enumerate(stacks) if stack.shape[1:] == shape]
        together = orthogonal(torch.cat([stacks[i] for i in chosen]))
        for i, part in zip(chosen, together.split([len(stacks[i]) for i in chosen]), strict=True):
            results[i] = part
    return results


def _scale(matrix: Any) -> float:
    """Tall matrices take larger steps, so that all change their outputs alike (the paper's code)."""
    n_rows, n_columns = matrix.shape
    return 1.0 if n_rows == 3 * n_columns else max(1.0, float(n_rows / n_columns)) ** 0.5
