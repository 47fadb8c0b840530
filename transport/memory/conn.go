package memory

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

// A conn is one end of a connection: a pipe each way.
type conn struct {
	host          *Host
	local, remote netip.AddrPort
	out, in       *pipe
}

var _ net.Conn = (*conn)(nil)

func (c *conn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *conn) Write(p []byte) (int, error) { return c.out.write(p) }
func (c *conn) LocalAddr() net.Addr         { return net.TCPAddrFromAddrPort(c.local) }
func (c *conn) RemoteAddr() net.Addr        { return net.TCPAddrFromAddrPort(c.remote) }

// Close ends the connection. What was written still arrives, unless bytes that
// came were not read: then the connection is reset, as TCP does.
func (c *conn) Close() error {
	c.unlist()
	if c.in.stopReading() {
		c.out.reset()
		return nil
	}
	return c.out.finish()
}

// kill resets the connection, at this end at once.
func (c *conn) kill() {
	c.unlist()
	c.in.stopReading()
	c.out.stopWriting()
	c.out.reset()
}

func (c *conn) unlist() {
	n := c.host.network
	n.mu.Lock()
	delete(c.host.conns, c)
	n.mu.Unlock()
}

// SetDeadline bounds reads and writes, those under way too.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline bounds reads.
func (c *conn) SetReadDeadline(t time.Time) error { return c.in.setDeadline(&c.in.readBy, t) }

// SetWriteDeadline bounds writes.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.out.setDeadline(&c.out.writeBy, t) }
