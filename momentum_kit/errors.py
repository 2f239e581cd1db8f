"""The error tree: every failure a user can meet, each with one clear line and an exit status.

Where no exit status is given, the parent's holds:

    MomentumKitError                      exit 1
    ├── InputError                        exit 2   bad input: nothing was started, nothing half-done
    │   ├── ConfigError                            a setting, a threshold file, an environment variable
    │   ├── ScenarioError                          a scenario that does not exist or does not parse
    │   ├── ArchiveError                           an archive day or file that is missing or malformed
    │   ├── ResearchError                          a study that would be empty, look ahead, or mix what does not fit
    │   └── NotebookError                          a notebook or a parameter that does not exist
    ├── GuardRefused                      exit 4   a safety guard said no (paper not proven, killed, not armed)
    ├── OpenPositionsLeft                 exit 3   the session ended and something is still held
    ├── BrokerError                                the broker, or the way to it
    │   ├── ConnectionFailed              exit 2   nobody listens, nobody answers, client id in use
    │   ├── NotConnected                           a request while the socket is down
    │   ├── RequestTimeout                         no answer in time; the outcome is UNKNOWN, never "no"
    │   ├── AnswerIncomplete                       a row of the answer could not be read: the list is UNKNOWN
    │   └── RequestFailed                          the broker refused the request: code and text
    │       ├── NoData                             an honest empty answer (162 "returned no data")
    │       └── PacingViolation                    too much, too fast (162 "pacing", 100)
    ├── StorageError                               SQLite or the disk
    │   └── DatabaseTooNew                exit 2   written by a newer version of the kit
    └── EngineError                                the engine process or its control endpoint
"""

import traceback


class MomentumKitError(Exception):
    """Root of every error the kit raises on purpose; `str()` is one line for a person."""

    exit_status = 1
    _told = False

    def _render_traceback_(self) -> list[str]:
        """What IPython shows below a cell: the one line, since nothing is broken; where it came from, by `%tb`."""
        if self._told:
            return "".join(traceback.format_exception(self)).splitlines()
        self._told = True
        return [f"{type(self).__name__}: {self}"]


class InputError(MomentumKitError):
    """Bad input, refused before anything was started."""

    exit_status = 2


class ConfigError(InputError):
    """A setting is missing, unknown, malformed or contradicts another."""


class ScenarioError(InputError):
    """A scenario does not exist or does not parse."""


class ArchiveError(InputError):
    """An archive day or an import file is missing or malformed."""


class ResearchError(InputError):
    """A study is refused: an empty selection, a look-ahead, tables that do not fit each other."""


class NotebookError(InputError):
    """A notebook, or a parameter of one, does not exist."""


class GuardRefused(MomentumKitError):
    """A safety guard refused; doing nothing was the safe choice."""

    exit_status = 4


class OpenPositionsLeft(MomentumKitError):
    """The session is over and positions remain; their stops rest at the broker."""

    exit_status = 3


class BrokerError(MomentumKitError):
    """The broker, or the way to it, failed."""


class ConnectionFailed(BrokerError):
    """No usable session came up: refused port, silent gateway, client id in use."""

    exit_status = 2


class ClientIdInUse(ConnectionFailed):
    """Another connection has this client id: a program of ours, or one that the gateway has not given up yet."""


class NotConnected(BrokerError):
    """A request was made while no session is up; nothing was sent."""


class RequestTimeout(BrokerError):
    """No answer within the time-out. The outcome is unknown: reconcile, never re-send."""


class AnswerIncomplete(BrokerError):
    """An answer of which a row could not be read: the list is unknown, never a shorter one.

    which: the list that was asked for; row: what arrived, as far as it could be told; why: what is wrong with it.
    """

    def __init__(self, which: str, row: str, why: str) -> None:
        super().__init__(f"{which}: unknown, a row could not be read: {why} in {row}")
        self.which = which
        self.row = row
        self.why = why


class RequestFailed(BrokerError):
    """The broker refused a request.

    code: IB's error code; text: IB's own words; advice: what a person can do about it.
    """

    def __init__(self, code: int, text: str, advice: str = "") -> None:
        super().__init__(f"broker error {code}: {text}" + (f" ({advice})" if advice else ""))
        self.code = code
        self.text = text
        self.advice = advice


class NoData(RequestFailed):
    """The broker answered that it has nothing for this request."""


class PacingViolation(RequestFailed):
    """The request broke one of IB's pacing rules; wait before asking again."""


class StorageError(MomentumKitError):
    """SQLite or the disk failed."""


class DatabaseTooNew(StorageError):
    """The file was written by a newer version of the kit; it was not touched."""

    exit_status = 2


class EngineError(MomentumKitError):
    """The engine process did not start, died, or does not answer."""
