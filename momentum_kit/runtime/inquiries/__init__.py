"""What a notebook may ask the broker, each by its name, and the desk of the engine that asks it."""

from momentum_kit.runtime.inquiries.catalogue import INQUIRIES, MOST_SECONDS, decode_answer, encode_answer
from momentum_kit.runtime.inquiries.desk import InquiryDesk

__all__ = ["INQUIRIES", "MOST_SECONDS", "InquiryDesk", "decode_answer", "encode_answer"]
