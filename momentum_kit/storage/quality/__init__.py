"""What is wrong in an archive: checks of its series, and the report of what they found."""

from momentum_kit.storage.quality.findings import QualityReport
from momentum_kit.storage.quality.report import examine
from momentum_kit.storage.quality.stamps import Stamps

__all__ = ["QualityReport", "Stamps", "examine"]
