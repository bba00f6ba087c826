"""A miniature VOC, and networks that need no training: what fixtures and tests share."""

# What is on each image of the miniature VOC: class id and the colour it has on the photo.
COLOURS = {8: (220, 140, 40), 12: (70, 50, 40), 15: (230, 90, 120), 20: (30, 60, 200)}
CONTENTS = {
    "2007_000001": (8,),
    "2007_000002": (12, 15),
    "2007_000003": (15,),
    "2008_000004": (8, 20),
    "2008_000005": (12,),
    "2008_000006": (15, 20),
    "2007_000007": (12,),
    "2007_000008": (8, 15),
    "2008_000009": (20,),
    "2008_000010": (12, 15),
    "2009_000011": (8,),
    "2009_000012": (15,),
}
SPLITS = {
    "train": list(CONTENTS)[:6],
    "val": list(CONTENTS)[6:10],
    "trainval": list(CONTENTS)[:10],
    "trainaug": [*list(CONTENTS)[:6], "2009_000011", "2009_000012"],
}


def calibrated(architecture, seed=0):
    """A network with random weights whose activations, sigma and classes vary over an image.

    Batch norm takes its statistics from noise seen through a few blurs, and theta is widened, so
    that the levels spread over their range and no class wins everywhere.
    """
    import torch
    from torch.nn import functional

    from segviz.network import Segmenter

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Segmenter(architecture).train()
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None  # a plain average over what follows
        with torch.no_grad():
            for width in (1, 3, 9):
                x = functional.avg_pool2d(torch.randn(3, 3, 81, 81), width, 1, width // 2)
                network(width * x)
            for module in network.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.momentum = 0.1
            torch.nn.init.normal_(network.score_weight, std=0.6)
            torch.nn.init.normal_(network.score_bias, std=0.3)
            torch.nn.init.normal_(network.scale_weight, std=0.15)
    return network.eval().requires_grad_(False)
