#pragma once
// tcp_windowsize: a workaround for routers that break the scaling of TCP windows.

namespace io {

// The most bytes in flight, either way, of TCP sockets that connect() and listen_tcp() of this process make from now on. A socket has
// its size before it speaks, since scaling is agreed on in the first packet. 0: what the system thinks best.
void set_tcp_window(int bytes);

}  // namespace io
