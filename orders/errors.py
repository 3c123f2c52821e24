"""The errors of Milepost, one tree:

MilepostError
├── TransientError      try again later: a source is down, a lock timed out
├── RejectedError       the caller's to mend: bad argument, not allowed, not found
│   ├── NotFoundError
│   ├── ForbiddenError
│   └── ConflictError   the same idempotency key with another request
├── PoisonError         a change or a document nobody can use as it is: it becomes a dead letter
└── StartError          the installation's to mend: one line that says what, where and what to do
"""


class MilepostError(Exception):
    """Base of all errors that Milepost raises on purpose; `code` is stable and public."""

    code = "INTERNAL"


class TransientError(MilepostError):
    """It may work when tried again."""

    code = "UNAVAILABLE"


class RejectedError(MilepostError):
    """The caller asked for something that cannot be done; trying again changes nothing."""

    code = "BAD_REQUEST"


class NotFoundError(RejectedError):
    """Absent, or not yours: the two are the same answer."""

    code = "NOT_FOUND"


class ForbiddenError(RejectedError):
    """The caller's role does not allow it."""

    code = "FORBIDDEN"


class ConflictError(RejectedError):
    """It contradicts something that was accepted before."""

    code = "CONFLICT"


class PoisonError(MilepostError):
    """A change that cannot be mapped or projected; `doc` names the document that waits for it, `ident` an
    identifier that this one claims or hangs on, `key` the fact that the change was to state, if known."""

    code = "POISON"

    def __init__(
        self, reason: str, doc: object | None = None, ident: object | None = None, key: str | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.doc = doc
        self.ident = ident
        self.key = key


class StartError(MilepostError):
    """Milepost cannot start. The message is one line: what is wrong, where, and what to do. Exit code 2."""

    code = "START"
