"""The second service: news items are judged against the tape; signals and skips come out."""

from momentum_kit.services.detection.detection_engine import DetectionEngine

__all__ = ["DetectionEngine"]
