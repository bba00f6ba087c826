"""The app: one flat script a page, and what pages share."""

import sys
from pathlib import Path

# Streamlit puts the folder of the main script on sys.path for every run of the script, and takes
# it off afterwards, unless it is there. A thread that imports torch meanwhile, as the networks'
# warm-up does, can then miss a folder of the path: "No module named ..." for a module that exists,
# after which this process can no longer import torch. So it is there for good, as the last.
sys.path.append(str(Path(__file__).resolve().parent))
