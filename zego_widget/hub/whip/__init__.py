"""WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): tools without a link publish and play over HTTP.

WhipServer       the HTTP side: routes, tokens, bodies, answers
Resources        what was begun with a POST, and by whom
Guest            a user who came over HTTP: a session whose link ends in this process
media            what an offer wants to send or to receive
Problem          an answer that says no
"""

from .server import WhipServer

__all__ = ["WhipServer"]
