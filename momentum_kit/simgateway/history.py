"""Historical bars from the tape and from earlier sessions, refused where IB refuses."""


class HistoryError(Exception):
    """A history request IB would refuse: its error code and its words."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
