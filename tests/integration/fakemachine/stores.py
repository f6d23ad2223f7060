# SPDX-License-Identifier: LGPL-2.1-or-later
"""How a store to an attribute comes from a preloaded program, and its errno goes back."""
import contextlib
import errno
import socket
import socketserver
import struct
import threading


class KernelError(OSError):
    def __init__(self, code):
        super().__init__(code, errno.errorcode.get(code, str(code)))


class Handler(socketserver.BaseRequestHandler):
    """One store: path, NUL, data.  Answers with an errno."""

    def handle(self):
        message = self.request.recv(65536)
        if not message:
            return
        path, _, data = message.partition(b"\0")
        code = self.server.store(path.decode(), data.decode())
        with contextlib.suppress(OSError):      # it was killed in between
            self.request.send(struct.pack("=i", code), socket.MSG_NOSIGNAL)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Calls @store(path, data), which returns an errno, each in a thread of its own."""

    socket_type = socket.SOCK_SEQPACKET
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path, store):
        super().__init__(path, Handler)
        self.store = store
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02},
                         daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()
