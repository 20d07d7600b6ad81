"""Python as a participant: captures, publishes and plays without a browser. Nothing here is loaded by the package.

peer           `MediaPeer`: one WebRTC connection of a session; begin here
channels       what a peer captures and publishes
played_streams what a peer plays, and who consumes it
peer_events    what a peer tells
sources        what can be captured: test pattern and tone, numpy arrays; `container` adds files and devices
frames         what a played stream gives
frame_queue    between a stream and a consumer: bounded, loses the oldest
levels         sound levels and volume, as formulas
capture        a source on its way into a send slot
playback       a receive slot on its way to consumers
stats          counts per stream
connection     one RTCPeerConnection from its offer to its end
codec_seam     the only module here that reaches below aiortc's public names
"""
