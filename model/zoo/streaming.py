"""Multi-head attention that never holds a table of all places by all places.

What `torch.nn.MultiheadAttention` and `torch.nn.TransformerEncoderLayer` compute where they do not learn is a table of
N x M weights for every head: 1 GiB for four heads on 8,192 places. These go through
`torch.nn.functional.scaled_dot_product_attention`, which works it off in blocks (Dao and others, "FlashAttention",
NeurIPS 2022, arXiv:2205.14135), with the parameters of torch's own modules. The answers are the same.
Shapes: B images, N places that ask, M that are asked, D features.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.experts import join_heads, split_heads


def queries_keys_values(
    attention: nn.MultiheadAttention, asking: Tensor, asked: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries [B, heads, N, d], keys and values [B, heads, M, d] of tokens [B, N, D] and [B, M, D]."""
    weights, biases = attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3)
    q, k, v = (
        split_heads(F.linear(tokens, weight, bias), attention.num_heads)
        for tokens, weight, bias in zip((asking, asked, asked), weights, biases, strict=True)
    )
    return q, k, v


def attended(attention: nn.MultiheadAttention, asking: Tensor, asked: Tensor) -> Tensor:
    """``attention(asking, asked, asked)``, [B, N, D] and [B, M, D] -> [B, N, D]."""
    q, k, v = queries_keys_values(attention, asking, asked)
    dropout = attention.dropout if attention.training else 0.0
    read = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout)  # [B, heads, N, d]
    mixed: Tensor = attention.out_proj(join_heads(read))
    return mixed


def encoded(layer: nn.TransformerEncoderLayer, tokens: Tensor) -> Tensor:
    """``layer(tokens)`` of a layer at torch's defaults (normed after adding, ReLU), [B, N, D] -> [B, N, D]."""
    tokens = layer.norm1(tokens + layer.dropout1(attended(layer.self_attn, tokens, tokens)))
    hidden = layer.dropout(F.relu(layer.linear1(tokens)))  # [B, N, 4 D]
    out: Tensor = layer.norm2(tokens + layer.dropout2(layer.linear2(hidden)))
    return out
