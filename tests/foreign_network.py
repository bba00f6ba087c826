"""A file with a small torchvision-like network of five classes, as a user writes it for `py:`."""

NAMES = ("road", "car", "tree", "sky", "person")

TEXT = '''
import torch
from torch import nn


class Net(nn.Module):
    """Features at stride 8, a classifier, logits at the size of the input."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 8, 1), nn.BatchNorm2d(8), nn.ReLU())
        self.head = nn.Conv2d(8, 5, 1)

    def forward(self, x):
        logits = self.head(self.body(x))
        return {"out": nn.functional.interpolate(logits, x.shape[-2:], mode="bilinear")}


def build():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = Net()
        nn.init.normal_(module.head.weight, std=2)
    facts = {
        "classes": ["road", "car", "tree", "sky", "person"],
        "mean": (124, 116, 104),
        "std": (58, 57, 57),
    }
    return module, facts
'''


def write_network(folder):
    """Write the file to a folder and return the spelling of its network."""
    path = folder / "own_network.py"
    path.write_text(TEXT)
    return f"py:{path}:build"
