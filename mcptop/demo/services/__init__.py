"""The demo's programs. Each runs as `python -m mcptop.demo.services.NAME` and talks to the others over real sockets."""
