"""K-Net: one kernel for each class, updated from what it found, three times (Zhang et al., arXiv 2106.14855).

The semantic form. A first decoder gives features and logits; the rows of its classifier are the first kernels. Each
stage gathers the features under every class (equation 3 of the paper), updates the kernels from them through two gates
(equations 4 and 5), lets the kernels of all classes attend to each other (equation 6), and filters the features with
the new kernels. All stages are learned from, and the last is the answer.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tamis.semantic.networks.upernet import UPerHead


class KernelUpdate(nn.Module):
    """Equations 4 and 5: a kernel and what it gathered, each gated by the product of both.

    Works on vectors of `width` numbers. mmsegmentation's published networks have kernels of 512 numbers and a width of
    256: the two halves of a kernel are then updated as if they were two kernels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.dynamic_layer = nn.Linear(width, 2 * width)
        self.input_layer = nn.Linear(width, 2 * width)
        self.input_gate = nn.Linear(width, width)
        self.update_gate = nn.Linear(width, width)
        self.norm_in = nn.LayerNorm(width)
        self.norm_out = nn.LayerNorm(width)
        self.input_norm_in = nn.LayerNorm(width)
        self.input_norm_out = nn.LayerNorm(width)
        self.fc_layer = nn.Linear(width, width)
        self.fc_norm = nn.LayerNorm(width)

    def forward(self, gathered: Tensor, kernels: Tensor) -> Tensor:
        """(B, N, C) both, C a multiple of `width`, to (B, N, C) new kernels."""
        found = self.dynamic_layer(gathered.reshape(-1, self.width))
        known = self.input_layer(kernels.reshape(-1, self.width))
        found_gate, found_value = found.split(self.width, dim=-1)
        known_gate, known_value = known.split(self.width, dim=-1)
        both = found_gate * known_gate
        keep = torch.sigmoid(self.input_norm_in(self.input_gate(both)))
        take = torch.sigmoid(self.norm_in(self.update_gate(both)))
        mixed = take * self.norm_out(found_value) + keep * self.input_norm_out(known_value)
        return torch.relu(self.fc_norm(self.fc_layer(mixed))).reshape(kernels.shape)


class Attention(nn.Module):
    """Attention between the kernels of all classes around a shortcut; `attn` is its name in the checkpoints."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, kernels: Tensor) -> Tensor:
        """(B, N, C) to the same."""
        attended: Tensor = self.attn(kernels, kernels, kernels, need_weights=False)[0]
        return kernels + attended


class FeedForward(nn.Module):
    """Two layers around a shortcut, applied to each kernel; `layers` is their name in the checkpoints."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Sequential(nn.Linear(width, hidden), nn.ReLU()), nn.Linear(hidden, width))

    def forward(self, kernels: Tensor) -> Tensor:
        """(B, N, C) to the same."""
        changed: Tensor = self.layers(kernels)
        return kernels + changed


class UpdateStage(nn.Module):
    """One round: gather, update, attend, filter."""

    def __init__(self, width: int, updated: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.feat_transform = nn.Sequential()
        self.feat_transform.add_module("conv", nn.Conv2d(width, width, 1))
        self.kernel_update_conv = KernelUpdate(updated)
        self.attention = Attention(width, heads)
        self.attention_norm = nn.LayerNorm(width)
        self.ffn = FeedForward(width, hidden)
        self.ffn_norm = nn.LayerNorm(width)
        self.mask_fcs = nn.Sequential(nn.Linear(width, width, bias=False), nn.LayerNorm(width), nn.ReLU())
        self.fc_mask = nn.Linear(width, width)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(self, features: Tensor, kernels: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, h, w) features, (B, N, C) kernels and (B, N, h, w) logits to new logits and new kernels."""
        features = self.feat_transform(features)
        gathered = torch.einsum("bnhw,bchw->bnc", logits.softmax(dim=1), features)
        kernels = self.kernel_update_conv(gathered, kernels)
        kernels = self.attention_norm(self.attention(kernels))
        kernels = self.ffn_norm(self.ffn(kernels))
        filters = self.fc_mask(self.mask_fcs(kernels))
        return torch.einsum("bnc,bchw->bnhw", filters, features), kernels


class KNetHead(nn.Module):
    """A UPerNet decoder and the stages after it; parts are named as in mmsegmentation's checkpoints."""

    def __init__(
        self,
        channels: Sequence[int],
        width: int,
        classes: int,
        stages: int = 3,
        updated: int = 256,
        heads: int = 8,
        hidden: int = 2048,
    ) -> None:
        super().__init__()
        self.kernel_generate_head = UPerHead(channels, width, classes)
        self.kernel_update_head = nn.ModuleList(UpdateStage(width, updated, heads, hidden) for _ in range(stages))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """The logits of the first decoder and of every stage."""
        features = self.kernel_generate_head.features(maps)
        logits = self.kernel_generate_head.classified(features)
        kernels = self.kernel_generate_head.conv_seg.weight.flatten(1).expand(len(features), -1, -1)
        found = [logits]
        for stage in self.kernel_update_head:
            logits, kernels = stage(features, kernels, logits)
            found.append(logits)
        return found
