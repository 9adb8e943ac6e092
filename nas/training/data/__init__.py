"""Data sets as tensors: the one place that knows torchvision and sklearn.datasets."""

from nas.training.data.batches import Batches
from nas.training.data.dataset import DataSet, Images
from nas.training.data.sources import load_data

__all__ = ["Batches", "DataSet", "Images", "load_data"]
