package routing

import (
	"encoding/binary"
	"time"

	"cicada/identity"
	"cicada/trace"
	"cicada/wire"
)

const (
	maxTries    = 4 // peers that a copy is handed to before this peer gives up
	maxVariants = 8 // copies that differ under one message ID and number, of one link
)

// A key is what acknowledgements name a copy by. Further rounds, the receipt
// and forgeries share it: they are told apart by their digest.
type key struct {
	message trace.MessageID
	copy    uint8
}

// An entry is one copy, of a message or of its receipt, for which this peer is
// responsible or was until lately.
type entry struct {
	key
	digest  uint64
	back    bool // a receipt, on its way to the origin
	header  [wire.EnvelopeHeaderSize]byte
	payload *buffer // nil once it is sure to be of no more use
	charge  int     // bytes of it that count against from
	from    *link   // previous hop; Core.own where this peer sent it
	send    *send   // the own send it is a copy of; nil: none, or it ended
	round   int     // of that send
	reverse *link   // a receipt's first choice: where the message came from
	avoid   *link   // a receipt's last choice: another of its kind goes there
	ring    bool    // at the first hop only peers of the table, none learned

	state state
	tries int
	try   [maxTries]try
	timer timer // next try

	expires  time.Duration
	next     *entry // in the same bucket of the table
	age      node[entry]
	finished node[entry]
	kept     node[entry]
	linkKept node[entry]
}

// A state is how far an entry is.
type state uint8

const (
	waiting state = iota // for an acknowledgement
	taken                // by the next hop; its payload is kept a while, in case it comes back
	failed               // nobody takes it
)

// A try is one peer that a copy was handed to.
type try struct {
	link   *link
	at     time.Duration
	answer answer
}

type answer uint8

const (
	silent answer = iota
	acked
	refused
)

func (x *entry) envelope() wire.Envelope { return x.header[:] }

// tried returns the try of id, or nil.
func (x *entry) tried(id identity.ID) *try {
	for i := range x.try[:x.tries] {
		if x.try[i].link.id == id {
			return &x.try[i]
		}
	}
	return nil
}

// answered reports whether any peer answered so.
func (x *entry) answered(a answer) bool {
	for i := range x.try[:x.tries] {
		if x.try[i].answer == a {
			return true
		}
	}
	return false
}

// expire tries the next peer: the last one did not acknowledge in time.
func (x *entry) expire(c *Core, now time.Duration) {
	last := &x.try[x.tries-1]
	c.links.miss(now, last.link)
	c.ready.Doubtful = append(c.ready.Doubtful, last.link.id)
	c.retried(x, last.link.id, "no answer")
	c.goOn(now, x)
}

// A table finds entries by key. It is its own because Go's maps may take memory
// in steady use, and because walking one entry's rivals must be bounded.
type table struct {
	buckets []*entry // a power of two
	count   int
	secret  uint64
}

const minBuckets = 64

func (t *table) bucket(k key) *(*entry) {
	if len(t.buckets) == 0 {
		t.buckets = make([]*entry, minBuckets)
	}
	low := binary.LittleEndian.Uint64(k.message[:]) ^ t.secret
	high := binary.LittleEndian.Uint64(k.message[8:]) ^ uint64(k.copy) ^ t.secret>>1
	return &t.buckets[fold(low, high|1)&uint64(len(t.buckets)-1)]
}

// first returns the first entry under k; following goes on from one.
func (t *table) first(k key) *entry { return (*t.bucket(k)).find(k) }

func (x *entry) following() *entry { return x.next.find(x.key) }

// find returns the first entry under k from x on.
func (x *entry) find(k key) *entry {
	for x != nil && x.key != k {
		x = x.next
	}
	return x
}

func (t *table) add(x *entry) {
	if t.count >= len(t.buckets) && t.count > 0 {
		t.grow()
	}
	at := t.bucket(x.key)
	x.next, *at = *at, x
	t.count++
}

func (t *table) grow() {
	old := t.buckets
	t.buckets = make([]*entry, max(2*len(old), minBuckets))
	for _, x := range old {
		for x != nil {
			next := x.next
			at := t.bucket(x.key)
			x.next, *at = *at, x
			x = next
		}
	}
}

func (t *table) remove(x *entry) {
	for at := t.bucket(x.key); *at != nil; at = &(*at).next {
		if *at == x {
			*at, x.next = x.next, nil
			t.count--
			return
		}
	}
}

// trim gives the memory of an empty table back.
func (t *table) trim() {
	if t.count == 0 {
		t.buckets = nil
	}
}
