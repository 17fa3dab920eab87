"""Writes a sentence-transformers model as ONNX: `python -m deployments.onnx_export MODEL FILE`.

It runs in a process of its own, because PyTorch's memory would otherwise stay with the embedder for good.
"""

import os
import sys
from pathlib import Path
from typing import Any

INPUTS = ("input_ids", "attention_mask")


def export(model_name: str, target: Path) -> None:
    """Export transformer, mean pooling and normalisation as one graph with dynamic batch and length."""
    import torch
    from transformers import AutoModel

    class Pooled(torch.nn.Module):
        """Mean of the token vectors under the mask, of length 1 (Reimers and Gurevych 2019, section 3)."""

        def __init__(self, transformer: Any) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            hidden = self.transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
            return torch.nn.functional.normalize(mean, dim=1)

    transformer = AutoModel.from_pretrained(model_name, attn_implementation="eager").eval()
    sample = torch.ones(2, 16, dtype=torch.long)
    partial = target.with_suffix(f".{os.getpid()}.partial")
    axes = {name: {0: "batch", 1: "tokens"} for name in INPUTS}
    torch.onnx.export(
        Pooled(transformer),
        (sample, torch.ones_like(sample)),
        str(partial),
        input_names=list(INPUTS),
        output_names=["vectors"],
        dynamic_axes={**axes, "vectors": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    # A file under its final name is always whole, however the process ends.
    partial.replace(target)


if __name__ == "__main__":
    export(sys.argv[1], Path(sys.argv[2]))
