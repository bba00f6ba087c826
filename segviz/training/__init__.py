"""Train segmentation networks."""
