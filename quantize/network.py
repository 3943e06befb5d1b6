"""CodeGen in plain PyTorch, with the parameter names of transformers' `CodeGenForCausalLM`.

The same weights give the same logits there, so a checkpoint written here is a checkpoint anywhere.
The design is GPT-J's: attention and MLP side by side behind one LayerNorm, and rotary positions on
interleaved pairs of the first `rotary_dim` dimensions of each head (Nijkamp et al. 2022, "CodeGen";
transformers' modeling_codegen.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from quantize.checkpoint import CheckpointError, open_checkpoint
from quantize.shape import Shape, config_of
from quantize.tensors import map_tensor, to_float
from quantize.vocabulary import write_json

MP_NUM = 4
"""qkv_proj's rows lie in as many blocks, each Q, V, K: CodeGen was trained on 4 TPU cores."""


class CodeGen(nn.Module):  # type: ignore[misc]  # nn.Module is Any where PyTorch is not installed
    """Token ids of shape (batch, length) become logits of shape (batch, length, n_vocab)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.transformer = nn.ModuleDict(
            {
                "wte": nn.Embedding(shape.n_vocab, shape.n_embd),
                "h": nn.ModuleList(Block(shape) for _ in range(shape.n_layer)),
                "ln_f": nn.LayerNorm(shape.n_embd, eps=shape.layer_norm_epsilon),
            }
        )
        self.lm_head = nn.Linear(shape.n_embd, shape.n_vocab)
        angles = _angles(shape)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        self.apply(_initialise)

    def forward(self, tokens: Any) -> Any:
        length = tokens.shape[1]
        x = self.transformer.wte(tokens)
        for block in self.transformer.h:
            x = block(x, self.cos[:length], self.sin[:length])
        return self.lm_head(self.transformer.ln_f(x))


class Block(nn.Module):  # type: ignore[misc]
    """x + attention(norm(x)) + mlp(norm(x)), on (batch, length, n_embd)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        n_embd = shape.n_embd
        self.n_head = shape.n_head
        self.ln_1 = nn.LayerNorm(n_embd, eps=shape.layer_norm_epsilon)
        self.attn = nn.ModuleDict(
            {
                "qkv_proj": nn.Linear(n_embd, 3 * n_embd, bias=False),
                "out_proj": nn.Linear(n_embd, n_embd, bias=False),
            }
        )
        self.mlp = nn.ModuleDict(
            {
                "fc_in": nn.Linear(n_embd, shape.n_inner),
                "fc_out": nn.Linear(shape.n_inner, n_embd),
            }
        )

    def forward(self, x: Any, cos: Any, sin: Any) -> Any:
        batch, length, n_embd = x.shape
        normed = self.ln_1(x)
        qkv = self.attn.qkv_proj(normed).view(batch, length, MP_NUM, 3, n_embd // MP_NUM)
        query, value, key = (
            qkv[:, :, :, i].reshape(batch, length, self.n_head, -1).transpose(1, 2)
            for i in range(3)
        )
        attended = functional.scaled_dot_product_attention(
            _rotate(query, cos, sin), _rotate(key, cos, sin), value, is_causal=True
        )
        attended = self.attn.out_proj(attended.transpose(1, 2).reshape(batch, length, n_embd))
        hidden = functional.gelu(self.mlp.fc_in(normed), approximate="tanh")
        return x + attended + self.mlp.fc_out(hidden)


def load(folder: Path) -> CodeGen:
    """The model in a Hugging Face folder, in float32. Raises `CheckpointError`, `OSError`."""
    checkpoint = open_checkpoint(folder)
    if checkpoint.shape.n_head % MP_NUM or checkpoint.vocabulary.id_of("<mask_1>") is not None:
        raise CheckpointError(f"{folder}: only CodeGen 1, with 4 blocks of heads, can be trained")
    model = CodeGen(checkpoint.shape)
    weights = {
        name: torch.from_numpy(to_float(map_tensor(tensor)).astype("float32"))
        for name, tensor in checkpoint.tensors.items()
    }
    model.load_state_dict(weights)
    return model


def save(model: CodeGen, folder: Path, end_of_text: int) -> None:
    """Write config.json and model.safetensors (float16) into `folder`. Raises `OSError`."""
    config = config_of(model.shape, end_of_text)
    write_json(folder / "config.json", config)
    weights = {name: tensor.half().contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _angles(shape: Shape) -> Any:
    """Rotary angles (Su et al. 2021, eq. 15), of shape (n_positions, rotary_dim / 2)."""
    exponents = torch.arange(0, shape.rotary_dim, 2).float() / shape.rotary_dim
    return torch.outer(torch.arange(shape.n_positions).float(), 10000.0**-exponents)


def _rotate(x: Any, cos: Any, sin: Any) -> Any:
    """Turn the pairs (2i, 2i+1) of the rotary dimensions; x is (batch, head, length, width)."""
    rotary_dim = 2 * cos.shape[-1]
    even, odd = x[..., 0:rotary_dim:2], x[..., 1:rotary_dim:2]
    turned = torch.stack((even * cos - odd * sin, odd * cos + even * sin), dim=-1).flatten(-2)
    return torch.cat((turned.to(x.dtype), x[..., rotary_dim:]), dim=-1)


def _initialise(module: Any) -> None:
    """Normal with deviation 0.02, as transformers does it, but at first no block adds anything:
    zero output projections let the residual stream begin as the embedding (Zhang et al. 2019)."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
    if isinstance(module, Block):
        nn.init.zeros_(module.attn.out_proj.weight)
        nn.init.zeros_(module.mlp.fc_out.weight)
