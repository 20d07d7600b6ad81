"""The hub process: server, sessions, discovery."""
