"""What every answer of the server passes through."""

from starlette.middleware import Middleware

from .framing import SameOriginFrames
from .styling import EarlyStyle
from .visit_cookie import VisitCookie

__all__ = ["MIDDLEWARE"]

MIDDLEWARE = [Middleware(SameOriginFrames), Middleware(EarlyStyle), Middleware(VisitCookie)]
