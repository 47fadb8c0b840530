package swarm

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"time"

	"cicada/chord"
	"cicada/identity"
	"cicada/identity/pair"
	"cicada/trace"
	"cicada/transport"
)

// DefaultPort is the port that peers listen on unless told otherwise: 0xC1CA.
const DefaultPort = 49610

// A Config says how a peer is to be. The zero value is a good peer for the open
// internet: fresh key, port 49610 on all interfaces, swarm "cicada".
type Config struct {
	// Address is where to listen, as "host:port", ":port" or "". Port 0 is any
	// free one. Empty means ":49610".
	Address string
	// Advertise is where others can dial this peer, best first. Empty means the
	// listening address, or those of all interfaces where it names no host.
	Advertise []netip.AddrPort
	// Key is who the peer is. The zero value means a fresh key.
	Key identity.PrivateKey
	// Swarm is the swarm to belong to. Nil means the one named "cicada", with
	// no secret and difficulty 0.
	Swarm *identity.Swarm
	// Ring holds the parameters of the ring. Zero values mean defaults; what is
	// out of range is an error.
	Ring chord.Config
	// Links bounds what links may cost. Zero values mean defaults; negative ones
	// are an error, but for MaxIdle.
	Links transport.Limits
	// Network is what links run over. Nil means TCP.
	Network transport.Network
	// Allow decides who may link to this peer and whose messages and broadcasts
	// its program gets. Nil means everybody. A peer needs links to its neighbours
	// on the ring: one that does not allow them cannot join, or loses its place.
	// Broadcasts of others pass through it, unread, and it counts in their Reached.
	// Allow must not block nor call the peer.
	Allow func(identity.ID) bool
	// Keys are those that this peer shares with some others, see package pair. With a
	// peer that has an entry no message is exchanged, in either direction, but under
	// its keys: whoever of the two lacks them, or has others, hears ErrKeys. What that
	// peer broadcasts is passed on and not delivered. Names in addresses are looked up
	// by Listen. Nil means none.
	Keys *pair.Keys
	// SendTimeout is how long Send, Broadcast and Lookup wait where their context
	// has no deadline. Zero means 10 s.
	SendTimeout time.Duration
	// InboxMessages and InboxBytes bound what waits for Receive. A message that
	// comes on top is refused to its sender; a broadcast is passed on and, though
	// it counts in its sender's Reached, not delivered. Zero means 1000 and 8 MiB.
	InboxMessages, InboxBytes int
	// Logger receives the text log. Nil means no log.
	Logger *slog.Logger
	// Trace receives every event, on the goroutine where it happens: it must not
	// block nor call the peer. Nil means none. Peer.Events works either way.
	Trace trace.Sink
}

const (
	defaultSendTimeout   = 10 * time.Second
	defaultInboxMessages = 1000
	defaultInboxBytes    = 8 << 20
)

// populate returns c with every zero value replaced by its default, and whether
// the key was made for it.
func (c Config) populate(ctx context.Context) (_ Config, fresh bool, err error) {
	if err := c.validate(); err != nil {
		return c, false, err
	}
	if c.Address == "" {
		c.Address = ":" + strconv.Itoa(DefaultPort)
	}
	if c.Swarm == nil {
		if c.Swarm, err = identity.NewSwarm("cicada", 0, nil); err != nil {
			return c, false, err
		}
	}
	if c.Key.IsZero() {
		fresh = true
		if c.Key, err = identity.GenerateKey(ctx, c.Swarm.Difficulty(), nil); err != nil {
			return c, false, err
		}
	}
	if c.Network == nil {
		c.Network = transport.TCP{}
	}
	if c.SendTimeout == 0 {
		c.SendTimeout = defaultSendTimeout
	}
	if c.InboxMessages == 0 {
		c.InboxMessages = defaultInboxMessages
	}
	if c.InboxBytes == 0 {
		c.InboxBytes = defaultInboxBytes
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, fresh, nil
}

// validate names the first field that makes no sense.
func (c *Config) validate() error {
	for _, field := range []struct {
		name     string
		negative bool
	}{
		{"SendTimeout", c.SendTimeout < 0},
		{"InboxMessages", c.InboxMessages < 0},
		{"InboxBytes", c.InboxBytes < 0},
		{"Links.MaxLinks", c.Links.MaxLinks < 0},
		{"Links.IdleTimeout", c.Links.IdleTimeout < 0},
		{"Links.Backlog", c.Links.Backlog < 0},
		{"Links.DialBacklog", c.Links.DialBacklog < 0},
		{"Links.MaxWaiting", c.Links.MaxWaiting < 0},
		{"Links.MaxDials", c.Links.MaxDials < 0},
		{"Links.MaxHalfOpen", c.Links.MaxHalfOpen < 0},
		{"Links.DialTimeout", c.Links.DialTimeout < 0},
		{"Links.HandshakeTimeout", c.Links.HandshakeTimeout < 0},
		{"Links.CloseTimeout", c.Links.CloseTimeout < 0},
	} {
		if field.negative {
			return fmt.Errorf("swarm: Config.%s is negative", field.name)
		}
	}
	if err := c.Ring.Validate(); err != nil {
		return fmt.Errorf("swarm: Config.Ring: %w", err)
	}
	return nil
}

// advertiseError says which of the addresses to advertise is to blame for err.
func (c *Config) advertiseError(err error) error {
	for i, a := range c.Advertise {
		if _, bad := identity.SignRecord(c.Key, 1, c.Advertise[i:i+1]); bad != nil {
			return fmt.Errorf("swarm: Config.Advertise[%d], %v: %w", i, a, bad)
		}
	}
	return fmt.Errorf("swarm: Config.Advertise: %w", err)
}

// listenAddress turns "host:port" into an address to listen on; no host is all interfaces.
func listenAddress(ctx context.Context, text string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("swarm: listen address %q: want host:port: %w", text, err)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("swarm: listen address %q: port %q is not a number from 0 to 65535", text, port)
	}
	if host == "" {
		return netip.AddrPortFrom(netip.IPv6Unspecified(), uint16(number)), nil
	}
	ip, err := resolveHost(ctx, host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("swarm: listen address %q: %w", text, err)
	}
	return netip.AddrPortFrom(ip, uint16(number)), nil
}
