package routing

import (
	"time"

	"cicada/identity"
)

// A Config holds the bounds of a core. The zero value is a good peer for the
// open internet.
type Config struct {
	// Rounds is how often a message is sent anew, each time with a fresh nonce
	// and by other first hops, before the send fails. Zero means 4.
	Rounds int
	// MaxEntries bounds how many copies on their way are remembered, and,
	// counted apart, how many messages that arrived. Finished ones make room
	// for new ones. Where all are unfinished, or one link holds as many as are
	// still free, further ones are refused. Copies for others get three quarters
	// at most. Zero means 8192.
	MaxEntries int
	// MaxBytes bounds the memory in payloads that are kept: until the next hop
	// has them, until the driver took them, or to be sent again. It is shared
	// between the links in the same way. Zero means 8 MiB.
	MaxBytes int
	// MaxBroadcasts bounds how many broadcasts are remembered, of which those of
	// others are three quarters at most. Zero means 256.
	MaxBroadcasts int
	// KeepBroadcasts bounds the bytes, of MaxBytes, in broadcasts that are kept for
	// RememberArrivals, for peers that the tree left out. Zero means 2 MiB.
	KeepBroadcasts int
	// Remember is how long a copy that passed is remembered, for duplicates of
	// it and for the way back. Zero means 10 s.
	Remember time.Duration
	// RememberArrivals is how long a message that arrived, or a broadcast, is
	// remembered, so that it is delivered once and answered again. Zero means 60 s.
	RememberArrivals time.Duration
	// Trace asks for events in Ready. Without it they cost nothing.
	Trace bool
}

// populate returns the config with zero values replaced by the defaults.
func (c Config) populate() Config {
	fill := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	fill(&c.Rounds, 8)
	fill(&c.MaxEntries, 8192)
	fill(&c.MaxBytes, 8<<20)
	fill(&c.MaxBroadcasts, 256)
	fill(&c.KeepBroadcasts, 2<<20)
	if c.Remember <= 0 {
		c.Remember = 10 * time.Second
	}
	if c.RememberArrivals <= 0 {
		c.RememberArrivals = 60 * time.Second
	}
	return c
}

// A Ring tells who is where. chord.Core is one. Its contacts are never changed
// once handed out.
type Ring interface {
	// Self is this peer.
	Self() *identity.Contact
	// Find returns the peer of the table that stands at exactly point, or nil.
	Find(point identity.Point) *identity.Contact
	// Known is Find over learned contacts too: whoever can be reached directly.
	Known(point identity.Point) *identity.Contact
	// Toward returns the peer of the table to go by to target, among those
	// strictly nearer to it than this peer, either way round, and ok; or nil. It
	// asks ok about nearer peers first and does not keep it.
	Toward(target identity.Point, ok func(*identity.Contact) bool) *identity.Contact
	// RoundTrip returns how long a peer of the table takes to answer, and how much
	// that varies; 0 if it was never measured.
	RoundTrip(peer *identity.Contact) (mean, deviation time.Duration)
	// Successors returns the peers that follow this one, nearest first, as far as
	// they are known without a gap. They are in the table. It is not to be changed.
	Successors() []*identity.Contact
	// Predecessors is Successors the other way round.
	Predecessors() []*identity.Contact
	// Each yields the distinct peers of the table clockwise from this peer.
	Each(yield func(*identity.Contact) bool)
}
