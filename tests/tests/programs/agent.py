"""An agent that shares nothing with the others but the documents: one window of 64x48 pixels, all of one colour."""

import fcntl, mmap, os, socket, struct

WIDTH, HEIGHT, COLOUR, WINDOW, REFERENCE = 64, 48, 0x123456, 1, 8
CREATE, MAP, CONFIGURE, SHMIMAGE, WMNAME, WINDOW_DUMP = 130, 132, 134, 136, 141, 147
SHARE, PAGE = 1, 4096
directory = os.environ["VCHAN_SOCKET_DIR"]


def listen(name, kind):
    path, hidden = f"{directory}/{name}.1.0.6000.sock", f"{directory}/.{name}.{os.getpid()}"
    listener = socket.socket(socket.AF_UNIX, kind)
    listener.bind(hidden)
    listener.listen(1)
    os.rename(hidden, path)
    return listener


def say(kind, body):
    stream.sendall(struct.pack("<3I", kind, WINDOW, len(body)) + body)


def hear(length):
    data = b""
    while len(data) < length:
        more = stream.recv(length - len(data))
        if not more:
            raise SystemExit
        data += more
    return data


os.makedirs(directory, exist_ok=True)
grants_listener = listen("grants", socket.SOCK_SEQPACKET)
stream_listener = listen("vchan", socket.SOCK_STREAM)
stream, _ = stream_listener.accept()
grants, _ = grants_listener.accept()

pages = -(-WIDTH * HEIGHT * 4 // PAGE)
file = os.memfd_create("pages", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
os.ftruncate(file, pages * PAGE)
fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
mmap.mmap(file, pages * PAGE)[: WIDTH * HEIGHT * 4] = struct.pack("<I", COLOUR) * (WIDTH * HEIGHT)
socket.send_fds(grants, [struct.pack("<4I", SHARE, REFERENCE, pages, 0)], [file])

stream.sendall(struct.pack("<I", 1 << 16 | 8))
version, *screen = struct.unpack("<5I", hear(20))
assert version == 1 << 16 | 8 and screen[:2] == [1280, 800], (version, screen)
say(CREATE, struct.pack("<2i4I", 0, 0, WIDTH, HEIGHT, 0, 0))
say(WMNAME, b"python".ljust(128, b"\0"))
say(WINDOW_DUMP, struct.pack(f"<4I{pages}I", 0, WIDTH, HEIGHT, 24, *range(REFERENCE, REFERENCE + pages)))
say(MAP, struct.pack("<2I", 0, 0))
say(SHMIMAGE, struct.pack("<2i2I", 0, 0, WIDTH, HEIGHT))
while True:
    kind, _, length = struct.unpack("<3I", hear(12))
    body = hear(length)
    if kind == CONFIGURE:
        say(CONFIGURE, body)
