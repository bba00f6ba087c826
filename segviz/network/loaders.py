"""Load networks of other libraries: each spelling PREFIX:REST has a loader.

Weights are read from safetensors, except torchvision's own downloads and files for torchvision's
networks, which torch reads without unpickling code. Only `py:` runs code that is named.
"""

from __future__ import annotations

import importlib.util
import io
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

from ..errors import InputError, guard, reason_of
from ..runtime.files import check_regular
from .checkpoint import Checkpoint
from .wrap import wrap_own

if TYPE_CHECKING:  # torch takes seconds to import
    import torch
    from torch import nn

__all__ = ["LOADERS", "SPELLINGS", "load_foreign"]

IMAGENET = {"mean": (123.675, 116.28, 103.53), "std": (58.395, 57.12, 57.375)}
"""Mean and standard deviation of ImageNet's photos, 0..255."""

Loaded = tuple["nn.Module", dict[str, Any]]
"""A module, and what `wrap_own` is told of it."""


def load_transformers(name: str) -> Loaded:
    """Load a folder that `save_pretrained` of transformers wrote, or a model of the hub.

    The folder holds the image processor, too, which knows mean, std and the order of the channels.
    """
    transformers = _import("transformers", "hf")
    try:
        with _quiet(transformers.utils.logging):
            processor = transformers.AutoImageProcessor.from_pretrained(
                name, trust_remote_code=False
            )
            module, found = transformers.AutoModelForSemanticSegmentation.from_pretrained(
                name, use_safetensors=True, trust_remote_code=False, output_loading_info=True
            )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise InputError(
            f"hf:{name} cannot be loaded ({reason_of(error)}); give a folder with config.json,"
            " preprocessor_config.json and model.safetensors, or a model of the hub."
        ) from error
    # transformers fills these with random numbers, as for a network without a trained classifier.
    missing = sorted(set(found["missing_keys"]) & {key for key, _ in module.named_parameters()})
    if missing:
        raise InputError(
            f"hf:{name} lacks {len(missing)} weights of {type(module).__name__}, such as"
            f" {missing[0]}; give a network that was trained to segment."
        )
    config = module.config
    labels = {int(key): str(value) for key, value in config.id2label.items()}
    facts = {
        **_normalisation(processor),
        "classes": [labels[key] for key in sorted(labels)],
        "multiple": _whole_patches(config),
        "bgr": bool(getattr(processor, "do_flip_channel_order", False)),
        "origin": f"transformers {transformers.__version__}",
    }
    return module, facts


def load_torchvision(name: str) -> Loaded:
    """Load a segmentation network of torchvision, with its own weights or those of a file."""
    from torchvision import models

    name, _, file = name.partition(":")
    known = models.list_models(module=models.segmentation)
    if name not in known:
        raise InputError(f"torchvision has no network {name!r}; choose one of {', '.join(known)}.")
    default = models.get_model_weights(name).DEFAULT
    preset = default.transforms()
    if file:
        state = _read_weights(Path(file))
    else:
        try:
            state = default.get_state_dict(progress=False, check_hash=True, weights_only=True)
        except (URLError, OSError, RuntimeError) as error:
            raise InputError(
                f"the weights of tv:{name} cannot be downloaded ({reason_of(error)}); give a"
                f" file: tv:{name}:FILE."
            ) from error
    heads = [
        value
        for key, value in state.items()
        if key.startswith("classifier.") and key.endswith(".weight") and value.dim() == 4
    ]
    options: dict[str, Any] = {"num_classes": len(heads[-1])} if heads else {}
    if any(key.startswith("aux_classifier.") for key in state):
        options["aux_loss"] = True
    try:
        module = models.get_model(name, weights=None, weights_backbone=None, **options)
        module.load_state_dict(state)
    except (RuntimeError, ValueError) as error:
        raise InputError(
            f"{file or name} does not hold the weights of torchvision's {name}"
            f" ({reason_of(error)}); save them by torch.save(module.state_dict(), FILE)."
        ) from error
    module.aux_classifier = None  # of use for training only
    categories = default.meta["categories"]
    facts: dict[str, Any] = {
        "mean": [255 * value for value in preset.mean],
        "std": [255 * value for value in preset.std],
        "origin": "torchvision",
    }
    if len(categories) == options.get("num_classes", len(categories)):
        facts["classes"] = [each.strip("_") for each in categories]
    return module, facts


def load_smp(name: str) -> Loaded:
    """Load a folder that `save_pretrained` of segmentation_models_pytorch wrote, or of the hub."""
    smp = _import("segmentation_models_pytorch", "smp")
    folder = Path(name)
    if folder.is_dir() and not (folder / "model.safetensors").exists():
        raise InputError(
            f"smp:{name} has no model.safetensors; write the folder by"
            " module.save_pretrained(FOLDER)."
        )
    try:
        with redirect_stdout(io.StringIO()):  # it prints, where commands print JSON
            module = smp.from_pretrained(name, encoder_weights=None)
    except (OSError, ValueError, KeyError, AttributeError, RuntimeError) as error:
        raise InputError(
            f"smp:{name} cannot be loaded ({reason_of(error)}); give a folder with config.json"
            " and model.safetensors, or a model of the hub."
        ) from error
    encoder = str(module.config.get("encoder_name", ""))
    if encoder.startswith(("inception", "xception", "dpn", "tu-")):
        found = _encoder_normalisation(encoder)
    else:
        found = dict(IMAGENET)
    return module, {**found, "origin": f"segmentation_models_pytorch {smp.__version__}"}


def load_python(name: str) -> Loaded:
    """Call a function of a Python file, which returns a module and the arguments of `wrap`."""
    file, _, function = name.rpartition(":")
    path = Path(file)
    if not file or not path.is_file():
        raise InputError(f"py:{name} names no file; write py:FILE.py:FUNCTION.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} is not a Python file; write py:FILE.py:FUNCTION.")
    made = importlib.util.module_from_spec(spec)
    try:
        with redirect_stdout(sys.stderr):  # commands print JSON on stdout
            spec.loader.exec_module(made)
            result = getattr(made, function)()
    except Exception as error:
        raise InputError(
            f"py:{name} fails ({type(error).__name__}: {reason_of(error)}); correct the file."
        ) from error
    if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[1], dict):
        raise InputError(
            f"py:{name} returned {type(result).__name__}, but must return the module and a dict"
            " with mean, std and, if you like, classes, classifier, multiple and colours."
        )
    return result


LOADERS: dict[str, Callable[[str], Loaded]] = {
    "hf": load_transformers,
    "tv": load_torchvision,
    "smp": load_smp,
    "py": load_python,
}
"""The loader of each prefix of a spelling."""

SPELLINGS = "hf:ID_OR_FOLDER, tv:NAME[:FILE], smp:ID_OR_FOLDER or py:FILE.py:FUNCTION"


def load_foreign(spelling: str, device: torch.device | str) -> Checkpoint:
    """Load a network by a spelling PREFIX:REST, PREFIX in `LOADERS`.

    Raises:
        InputError: If it cannot be loaded or adapted.
    """
    prefix, _, rest = spelling.partition(":")
    with (
        warnings.catch_warnings(),
        guard(f"the network {spelling} cannot be loaded", "check the files that it is made of"),
    ):
        warnings.simplefilter("ignore")  # of libraries, about their own future
        module, facts = LOADERS[prefix](rest)
    return wrap_own(module, spelling, facts, device)


def _import(package: str, extra: str) -> Any:  # noqa: ANN401
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        raise InputError(
            f"{extra}: needs the package {package}, which is not installed; run"
            f" pip install 'segviz[{extra}]'."
        ) from error


@contextmanager
def _quiet(logging: Any) -> Iterator[None]:  # noqa: ANN401
    """Keep transformers from printing progress and advice.

    Arguments:
        logging: `transformers.utils.logging`.
    """
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _whole_patches(config: Any) -> int | None:  # noqa: ANN401
    """Return how many pixels the sides of inputs must be a multiple of; None = to be found."""
    patch = getattr(config, "patch_size", None)
    if not isinstance(patch, int) or patch < 2:
        return None
    # MobileViT cuts its feature maps into patches, the last of them at this stride.
    return patch * getattr(config, "output_stride", 1)


def _normalisation(processor: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return mean and std in 0..255 of what an image processor of transformers does."""
    unit = 1 / processor.rescale_factor if getattr(processor, "do_rescale", False) else 1.0
    if not getattr(processor, "do_normalize", False):
        return {"mean": (0.0, 0.0, 0.0), "std": (unit, unit, unit)}
    return {
        "mean": [unit * value for value in processor.image_mean],
        "std": [unit * value for value in processor.image_std],
    }


def _encoder_normalisation(encoder: str) -> dict[str, Any]:
    """Return mean and std in 0..255 that an encoder of segmentation_models_pytorch expects."""
    from segmentation_models_pytorch.encoders import get_preprocessing_params

    try:
        values = get_preprocessing_params(encoder)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"the mean and std of the encoder {encoder} are not known ({reason_of(error)}); wrap"
            " the module in Python by segviz.wrap with mean= and std=."
        ) from error
    unit = 255 / values["input_range"][1]
    return {
        "mean": [unit * value for value in values["mean"]],
        "std": [unit * value for value in values["std"]],
        "bgr": values["input_space"] == "BGR",
    }


def _read_weights(path: Path) -> dict[str, Any]:
    """Return the tensors in a file of safetensors or of `torch.save`."""
    import torch
    from safetensors.torch import load_file

    check_regular(path, "the weights", "give a file")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        values = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling damaged files raises anything
        raise InputError(
            f"{path} cannot be read as weights ({reason_of(error)}); save them by"
            " torch.save(module.state_dict(), FILE) or as safetensors."
        ) from error
    for key in ("model", "state_dict"):  # as training scripts nest them
        if isinstance(values, dict) and isinstance(values.get(key), dict):
            values = values[key]
    if not isinstance(values, dict) or not all(
        isinstance(v, torch.Tensor) for v in values.values()
    ):
        raise InputError(
            f"{path} holds {type(values).__name__}, not weights; save them by"
            " torch.save(module.state_dict(), FILE)."
        )
    for prefix in ("module.", "_orig_mod."):  # of DistributedDataParallel and torch.compile
        if values and all(key.startswith(prefix) for key in values):
            values = {key.removeprefix(prefix): value for key, value in values.items()}
    return values
