"""ASE calculator for the mlts force server."""

from .calculator import MLTS
from .errors import CODES, MltsError

__all__ = ["CODES", "MLTS", "MltsError"]
