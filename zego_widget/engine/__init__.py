"""`ExpressEngine`: ZEGO's verbs and events for one user, with or without a browser.

engine          `ExpressEngine`; begin here. Its verbs are in room_verbs, stream_verbs, play_verbs and call_verbs
handler         `EventHandler`: all that an engine tells; events and dispatch carry it
operation       what a verb returns
profile         what an engine is made with; presets: scenarios, video and audio settings
core            loop, tasks and callbacks of one engine; parts puts the rest together
line            the link to the hub; identity: what is shown to log in
rooms           login and logout; room_news: who and what is there; states has the tables of all state machines
participation   media, in pages (pages) or in Python (python_peer); capture, publishing, playing, monitor and quality
                are what is done with them
messaging       messages and extra information; invitations: calls
"""

from .engine import ExpressEngine

__all__ = ["ExpressEngine"]
